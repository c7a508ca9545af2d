"""The local system: what phones receive, who is signed in, and its AWS."""

import json
import urllib.request

QUEUES = "https://sqs.us-east-1.amazonaws.com/000000000000/"


class System:
    """Its queues feed none of its own functions from here on: whoever takes a message is the function."""

    def __init__(self, url):
        self.url = url
        for function in ["DeliverFunction", "FeedbackFunction"]:
            self.call("/_local/sources", {"function": function, "enabled": False})

    def call(self, path, body=None, method=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def info(self):
        """Its ids, secrets and addresses; the secrets are those of the moment."""
        return self.call("/_local/info")

    def sign_in(self, user):
        """A client secret for a user, as the local system's own `init` hands it out."""
        token = self.call("/_local/login", {"userId": user})["token"]
        path = f"/imfpush/v1/apps/{self.info()['applicationId']}/init"
        return self.call(path, headers={"authorization": f"Bearer {token}"})["clientSecret"]

    def received(self, token):
        """What a phone received since this was last asked for any phone."""
        pushes = self.call(f"/_local/pushes?token={token}")["pushes"]
        self.call("/_local/pushes", method="DELETE")
        return pushes

    def aws(self, target, given):
        """A call of AWS's JSON protocols."""
        url, data = self.info()["awsEndpointUrl"], json.dumps(given).encode()
        request = urllib.request.Request(url, data, {"x-amz-target": target})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def take(self, queue):
        """The next message of a queue, which has one, as the event that Lambda makes of it."""
        given = {"QueueUrl": QUEUES + queue, "AttributeNames": ["All"], "WaitTimeSeconds": 5}
        [message] = self.aws("AmazonSQS.ReceiveMessage", given)["Messages"]
        self.aws("AmazonSQS.DeleteMessage", {"QueueUrl": QUEUES + queue, "ReceiptHandle": message["ReceiptHandle"]})
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
            "awsRegion": "us-east-1",
        }
        return {"Records": [record]}

    def stages(self, secret):
        """The stages of a secret by version."""
        return self.aws("secretsmanager.DescribeSecret", {"SecretId": secret})["VersionIdsToStages"]
