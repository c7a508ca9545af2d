"""The control surface of a deployed system, for the stories: phones, SNS and the sign-in are the local system's, secrets,
items and queues those of the stack. What nobody can do to a deployed system it refuses."""

import base64
import datetime
import http.client
import json
import sys
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3

FORWARDED = {
    ("POST", "/_local/login"),
    ("GET", "/_local/pushes"),
    ("DELETE", "/_local/pushes"),
    ("GET", "/_local/endpoints"),
    ("POST", "/_local/endpoints"),
    ("POST", "/_local/applications"),
    ("DELETE", "/_local/faults"),
}


def base64_text(value):
    """Bytes of an item, as DynamoDB writes them."""
    return base64.b64encode(value).decode()


class Stack:
    """The deployed stack: what it gives out, its secrets and its items."""

    def __init__(self, name):
        cloudformation = boto3.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.queues = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == "AWS::SQS::Queue"
        }
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.dynamodb = boto3.client("dynamodb")
        self.sqs = boto3.client("sqs")
        self.topics = boto3.client("sns")
        self.secrets = boto3.client("secretsmanager")

    def report(self, local, token, failure, time=None):
        """Sends the stack's topic what SNS reports when a push to this token has failed."""
        endpoints = [endpoint for endpoint in local["endpoints"] if endpoint["token"] == token]
        for endpoint in endpoints:
            event = {
                "DeliveryAttempts": 1,
                "EndpointArn": endpoint["endpointArn"],
                "EventType": "DeliveryFailure",
                "FailureType": failure,
                "MessageId": str(uuid.uuid4()),
                "Service": "SNS",
                "Time": time
                or datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            self.topics.publish(TopicArn=self.outputs["FeedbackTopicArn"], Message=json.dumps(event))
        return len(endpoints)

    def depths(self):
        """What the queues hold."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        depths = {}
        for queue, url in self.queues.items():
            found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            depths[queue] = dict(
                zip(["visible", "inFlight", "delayed"], (int(found[name]) for name in names), strict=True)
            )
        return depths

    def api(self):
        """Where ministack serves the API."""
        identity = urllib.parse.urlsplit(self.outputs["ApiUrl"]).hostname.partition(".")[0]
        return f"{self.dynamodb.meta.endpoint_url}/_aws/execute-api/{identity}/$default"

    def info(self):
        """What stands in the place of the local system's own."""
        secret = lambda name: self.secrets.get_secret_value(SecretId=self.outputs[name])["SecretString"]
        return {
            "applicationId": self.outputs["ApplicationId"],
            "clientSecret": secret("ClientSecretArn"),
            "appSecret": secret("AppSecretArn"),
        }

    def items(self):
        """All items of the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.outputs["TableName"], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]


class Control(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"

    def do(self):
        """Whatever the method is."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        call = (self.command, path)
        if call == ("GET", "/_local/info"):
            _, _, info = self.forward("GET", path)
            self.tell(json.loads(info) | self.stack.info())
        elif call == ("GET", "/_local/items"):
            self.tell({"items": self.stack.items()})
        elif call == ("GET", "/_local/queues"):
            self.tell(self.stack.depths())
        elif call == ("POST", "/_local/feedback"):
            _, _, endpoints = self.forward("GET", "/_local/endpoints")
            failed = json.loads(body)
            reported = self.stack.report(
                json.loads(endpoints), failed["token"], failed["failureType"], failed.get("time")
            )
            self.reply(204 if reported else 404, "text/plain", b"")
        elif call in FORWARDED or (call == ("POST", "/_local/faults") and json.loads(body)["service"] == "sns"):
            self.reply(*self.forward(self.command, self.path, body))
        else:
            self.reply(501, "text/plain", b"this cannot be done to a deployed system")

    do_GET = do_POST = do_DELETE = do

    def forward(self, method, path, body=b""):
        """What the local system answers."""
        connection = http.client.HTTPConnection(self.local, timeout=60)
        headers = {"content-type": self.headers.get("content-type", "application/json")}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        reply = answer.status, answer.getheader("content-type", ""), answer.read()
        connection.close()
        return reply

    def tell(self, value):
        """Answers with JSON."""
        self.reply(200, "application/json", json.dumps(value, default=base64_text).encode())

    def reply(self, status, kind, body):
        """Writes an answer."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing of what went well."""


def main(name, local):
    Control.stack = Stack(name)
    Control.local = urllib.parse.urlsplit(local).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    print(f"the API is {Control.stack.api()}")
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main(*sys.argv[1:])
