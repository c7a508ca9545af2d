"""What every function does, told once for all places that run the functions as Lambda does."""

import hashlib
import json
import uuid

from expect import MESSAGE_ID, NOT_FOUND, TIME, UNAUTHORIZED, WEBHOOKS_OFF, WRONG_METHOD, expect

JOBS, REPORTS = "userpush-NamedJobQueue", "userpush-FeedbackQueue"


class Story:
    """`api(method, path, body, headers)` answers as the API does, with the status and what the body's JSON says;
    `invoke(function, event)` gives the answer of a function behind the scenes. `sign_in(user)` gives a client secret,
    `url` is where clients reach the API; `place` keeps users and devices of one place from those of another."""

    def __init__(self, system, place, url, api, invoke, sign_in):
        self.system, self.place, self.url = system, place, url
        self.api, self.invoke, self.sign_in = api, invoke, sign_in
        self.user, self.phone = f"alice of {place}", f"phone-{place}"
        self.token = f"fcm-token-of-the-phone-of-{place}-00000001"

    def tell(self):
        self.system.received(self.token)
        self.register()
        self.read()
        self.send()
        self.tags()
        self.deliver()
        self.feedback()
        self.unregister()
        self.unrouted()

    def app(self):
        return {"appSecret": self.system.info()["appSecret"]}

    def device(self, id, token, platform, user):
        return {
            "deviceId": id,
            "token": token,
            "platform": platform,
            "userId": user,
            "createdMode": "API",
            "createdTime": TIME,
            "lastUpdatedTime": TIME,
            "href": f"{self.url}/devices/{id}",
        }

    def register(self):
        self.secret = {"clientSecret": self.sign_in(self.user)}
        wanted = self.device(self.phone, self.token, "G", self.user)
        body = {"deviceId": self.phone, "token": self.token, "platform": "G", "userId": self.user}
        expect("without a secret a phone is nobody's", self.api("POST", "/devices", body, {}), UNAUTHORIZED)
        expect("a phone registers for its user", self.api("POST", "/devices", body, self.secret), (201, wanted))
        iphone, token = f"iphone-{self.place}", hashlib.sha256(self.place.encode()).hexdigest()
        body = {"deviceId": iphone, "token": token, "platform": "A"}
        wanted = self.device(iphone, token, "A", "anonymous")
        expect("an iPhone registers for nobody", self.api("POST", "/devices", body, {}), (201, wanted))
        body = {"token": token, "platform": "A", "userId": ""}
        expect("and again by PUT", self.api("PUT", f"/devices/{iphone}", body, {}), (200, wanted))

    def read(self):
        wanted = self.device(self.phone, self.token, "G", self.user)
        path = f"/devices/{self.phone}"
        expect("its user reads it", self.api("GET", path, None, self.secret), (200, wanted))
        expect("nobody else does", self.api("GET", path, None, {}), NOT_FOUND)
        page = {"devices": [wanted], "pageInfo": {"count": "1", "next": "", "previous": "", "totalCount": "1"}}
        path = f"/devices?userId={self.user.replace(' ', '%20')}"
        expect("the backend lists it", self.api("GET", path, None, self.app()), (200, page))
        sender = self.api("GET", "/settings/gcmConfPublic", None, {})
        expect("an app asks for its sender id", sender, (200, {"senderId": "123456789012"}))

    def message(self, alert, users):
        return {"message": {"alert": alert}, "target": {"userIds": users}}

    def send(self):
        message = self.message("Hello Alice", [self.user])
        status, answer = self.api("POST", "/messages", message, self.app())
        wanted = {"message": message, "messageId": MESSAGE_ID, "recipients": {self.user: 1}}
        expect("a message goes to a user", (status, answer), (202, wanted))
        self.arrived("it arrives at the phone", "Hello Alice", answer["messageId"])
        self.dispatched("its status tells of it", answer["messageId"])
        report = {"deviceId": self.phone, "status": "SEEN"}
        path = f"/messages/{answer['messageId']}"
        expect("the phone says that it has shown it", self.api("PUT", path, report, self.secret), (200, {}))
        self.dispatched("its status tells of that", answer["messageId"], seen=1)

    def tags(self):
        name = f"news-of-{self.place}"
        href = f"{self.url}/tags/{name}"
        tag = {"name": name, "description": "", "createdMode": "API", "createdTime": TIME, "lastUpdatedTime": TIME}
        made = self.api("POST", "/tags", {"name": name}, self.app())
        expect("a backend makes a tag", made, (201, {**tag, "uri": href, "href": href}))
        body = {"deviceId": self.phone, "tagName": name}
        expect(
            "without a secret the phone does not subscribe", self.api("POST", "/subscriptions", body, {}), UNAUTHORIZED
        )
        status, subscription = self.api("POST", "/subscriptions", body, self.secret)
        expect("its user subscribes it", (status, subscription["userId"]), (201, self.user))
        listed = self.api("GET", f"/subscriptions?deviceId={self.phone}", None, self.secret)
        expect("and reads that", listed, (200, {"subscriptions": [subscription]}))
        path = f"/subscriptions?deviceId={self.phone}&tagName={name}"
        expect("its user unsubscribes it", self.api("DELETE", path, None, self.secret), (204, None))
        expect("the backend deletes the tag", self.api("DELETE", f"/tags/{name}", None, self.app()), (204, None))

    def arrived(self, what, alert, nid):
        uid = hashlib.sha256(f"userpush\0{self.user}".encode()).hexdigest()[:16]
        pushes = self.system.received(self.token)
        data = [push["payload"]["fcmV1Message"]["message"]["data"] for push in pushes]
        data = [{**one, "payload": json.loads(one["payload"])} for one in data]
        expect(what, data, [{"alert": alert, "has-template": "0", "payload": {"nid": nid, "uid": uid}}])

    def dispatched(self, what, id, seen=0):
        counts = {"accepted": 1, "dead": 0, "refused": 0, "retried": 0, "misconfigured": 0, "expired": 0}
        reports = {"seen": seen, "opened": 0}
        wanted = {"messageId": id, "status": "Dispatched", "counts": counts, "reports": reports}
        expect(what, self.api("GET", f"/messages/{id}/status", None, self.app()), (200, wanted))

    def deliver(self):
        """101 users are too many for the request, but one job."""
        users = [self.user, *(f"nobody {n} of {self.place}" for n in range(100))]
        message = self.message("Hello everyone", users)
        status, answer = self.api("POST", "/messages", message, self.app())
        told = {**message, "target": {"userIds": users[:100]}}
        wanted = {"message": told, "messageId": MESSAGE_ID}
        expect("a large message is put on the queue", (status, answer), (202, wanted))
        expect("nobody has it yet", self.system.received(self.token), [])
        event = self.system.take(JOBS)
        expect("deliver is done with the job", self.invoke("DeliverFunction", event), {"batchItemFailures": []})
        self.arrived("its push arrives at the phone", "Hello everyone", answer["messageId"])
        self.dispatched("its status tells of it too", answer["messageId"])
        event["Records"][0]["body"] = "no job"
        failed = {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
        expect("deliver names what is no job", self.invoke("DeliverFunction", event), failed)
        # There are no webhooks here: whatever comes is dropped.
        expect("notify tells nobody", self.invoke("NotifyFunction", event), {"batchItemFailures": []})

    def feedback(self):
        self.system.call("/_local/feedback", {"token": self.token, "failureType": "InvalidPlatformToken"})
        event = self.system.take(REPORTS)
        expect("feedback is done with the report", self.invoke("FeedbackFunction", event), {"batchItemFailures": []})
        read = self.api("GET", f"/devices/{self.phone}", None, self.secret)
        expect("the phone with the dead token is gone", read, NOT_FOUND)
        body = {"deviceId": self.phone, "token": self.token, "platform": "G", "userId": self.user}
        wanted = self.device(self.phone, self.token, "G", self.user)
        expect("it registers anew", self.api("POST", "/devices", body, self.secret), (201, wanted))

    def unregister(self):
        path = f"/devices/{self.phone}"
        expect("without a secret it stays", self.api("DELETE", path, None, {}), UNAUTHORIZED)
        expect("its user unregisters it", self.api("DELETE", path, None, self.secret), (204, None))
        message = self.message("Anybody there?", [self.user])
        wanted = {"message": message, "messageId": MESSAGE_ID, "recipients": {self.user: 0}}
        expect("a message reaches nobody", self.api("POST", "/messages", message, self.app()), (202, wanted))
        expect("nothing arrives", self.system.received(self.token), [])
        path = f"/users/{self.user.replace(' ', '%20')}"
        expect("a backend erases the user", self.api("DELETE", path, None, self.app()), (204, None))

    def unrouted(self):
        expect("there is nothing else", self.api("GET", "/nothing", None, {}), NOT_FOUND)
        expect("and no webhooks", self.api("GET", "/webhooks", None, self.app()), WEBHOOKS_OFF)
        expect("and no other method", self.api("PATCH", "/devices", {}, {}), WRONG_METHOD)

    def rotate(self, steps):
        """Secrets Manager's steps, in order; after the last one of all four the new version is the current one."""
        secret = "userpush-AppSecret"
        [former] = (version for version, stages in self.system.stages(secret).items() if "AWSCURRENT" in stages)
        version = str(uuid.uuid4())
        for step in steps:
            event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
            expect(f"rotate does {step}", self.invoke("RotateFunction", event), None)
        stages = self.system.stages(secret)
        done = "finishSecret" in steps
        got = [stage for stage in stages[version] if stage != "AWSPENDING" or not done]
        expect("the secret has a new version", got, ["AWSCURRENT"] if done else ["AWSPENDING"])
        expect("and its former one", stages[former], ["AWSPREVIOUS"] if done else ["AWSCURRENT"])
