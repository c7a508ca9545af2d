"""What the scripts share: the local system, the phones that it pushes to, and the rows of the table."""

import hashlib
import http.client
import json
import re
import time
import urllib.parse
from typing import NamedTuple

HEADERS = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    def value(self):
        """The JSON of the body; nothing where there is no body."""
        return json.loads(self.text) if self.text else None


class Local:
    """A local system, and what it is to be called in rows: no id, time or port of one run stands there."""

    def __init__(self, url):
        self.netloc = urllib.parse.urlsplit(url).netloc
        self.info = self.control("GET", "/_local/info")
        self.path = urllib.parse.urlsplit(self.info["apiUrl"]).path
        self.app = {"appSecret": self.info["appSecret"], **HEADERS}
        self.phones = {}
        self.names = {
            self.info["apiUrl"]: "…",
            self.info["appSecret"]: "<app secret>",
            self.info["clientSecret"]: "<client secret>",
        }

    def control(self, method, path, body=None):
        """What the control surface says."""
        answer = self.request(method, path, None if body is None else json.dumps(body), HEADERS)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.text}")
        return answer.value()

    def request(self, method, path, body=None, headers=None):
        """Sends these headers, where it belongs and how long the body is, and no other."""
        connection = http.client.HTTPConnection(self.netloc, timeout=60)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body.encode())))
        connection.endheaders(None if body is None else body.encode())
        with connection.getresponse() as answer:
            told = Answer(answer.status, answer.headers, answer.read().decode())
        connection.close()
        return told

    def ask(self, method, path, body=None, headers=None):
        """The API's answer; the path is the part behind the application's."""
        return self.request(method, self.path + path, body, headers)

    def backend(self, method, path, value=None):
        """The API's answer to a backend."""
        return self.ask(method, path, None if value is None else json.dumps(value), self.app)

    def secret(self, user):
        """The client secret that `init` hands out to a user who has signed in."""
        token = self.control("POST", "/_local/login", {"userId": user})["token"]
        return self.ask("GET", "/init", None, {"Authorization": f"Bearer {token}"}).value()["clientSecret"]

    def phone(self, name, token):
        """A phone is told apart by its token; gives the token."""
        self.phones[token] = name
        return token

    def people(self, *users):
        """In payloads they are called by a hash."""
        for user in users:
            uid = hashlib.sha256(f"{self.info['applicationId']}\0{user}".encode()).hexdigest()[:16]
            self.names[uid] = f"<uid of {user}>"

    def later(self, **span):
        """Time passes."""
        seconds = span.get("days", 0) * 86_400 + span.get("hours", 0) * 3_600
        self.control("POST", "/_local/clock", {"advanceSeconds": seconds})

    def pushes(self, message=None):
        """Everything that arrived since this was last asked, once the message is dispatched: the name of each phone, and the
        push."""
        until = time.monotonic() + 60
        while (
            message and (state := self.backend("GET", f"/messages/{message}/status").value())["status"] != "Dispatched"
        ):
            if time.monotonic() > until:
                raise RuntimeError(f"a message is not dispatched: {state}")
            time.sleep(0.02)
        arrived = self.control("GET", "/_local/pushes")["pushes"]
        self.control("DELETE", "/_local/pushes")
        name = lambda push: self.phones.get(push["token"], "somebody else")
        stray = lambda push: "" if nid(push) == message else ", of another message"
        return sorted(((name(push) + stray(push), push) for push in arrived), key=lambda pair: pair[0])

    def receivers(self, answer):
        """Who has the message that was answered so."""
        accepted = answer.status == 202
        reached = phones(self.pushes(answer.value()["messageId"] if accepted else None))
        return reached if accepted else f"{self.told(answer)}, {reached}"

    def reached(self, *users):
        """Who has a push, for each of these users that one is sent to now."""
        return "; ".join(f"to {user}: {self.message(userIds=[user])}" for user in users)

    def message(self, **target):
        """Who has a message that is sent to this target now."""
        return self.receivers(self.backend("POST", "/messages", {"message": {"alert": "Hello"}, "target": target}))

    def told(self, answer):
        """An answer, as it stands in a row."""
        return f"{answer.status} {self.named(answer.text)}".rstrip()

    def named(self, text):
        """Names in the place of what is made anew each time."""
        if text.startswith(("{", "[")):
            text = shown(json.loads(text))
        for made, name in self.names.items():
            text = text.replace(made, name)
        for pattern, name in MADE:
            text = pattern.sub(rf"\1<{name}>\2", text)
        # What follows says how the value should be, for people; clients look at the parameter.
        return re.sub(r"(parameter value\.) [^\"]*", r"\1", text)


MADE = [
    (re.compile(r'((?:messageId|nid)\\*":\\*")[0-9A-Za-z]{8}(\\*")'), "message id"),
    (re.compile(r"(/messages/)[0-9A-Za-z]{8}\b(?!\.)()"), "message id"),
    (re.compile(r'("subscriptionId":")[0-9a-f]{32}(")'), "subscription id"),
    (re.compile(r'(,"requestId":")[^"]+(")'), "request id"),
    (re.compile(r'(")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(")'), "time"),
]


def nid(push):
    """The message that a push is of."""
    payload = push["payload"]
    data = payload["fcmV1Message"]["message"]["data"] if "fcmV1Message" in payload else payload
    return json.loads(data["payload"])["nid"]


def status(seen=0, opened=0):
    """What the status says of a message that one phone has."""
    counts = {"accepted": 1, "dead": 0, "expired": 0, "misconfigured": 0, "refused": 0, "retried": 0}
    reports = {"opened": opened, "seen": seen}
    return {"counts": counts, "messageId": "<message id>", "reports": reports, "status": "Dispatched"}


def phones(pushes):
    """The names of phones, each as often as it has the push."""
    return ", ".join(name for name, _ in pushes) or "nobody"


def shown(value):
    """JSON on one line, whose keys are in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def error(status, code, message):
    """An error in the contract's one shape, as it stands in a row."""
    return f"{status} " + shown({"code": code, "message": message, "requestId": "<request id>"})


def wrong(parameter):
    """The error of a value that is missing or no good."""
    return error(400, "FPWSE0005E", f"Invalid value was provided. Check the '{parameter}' parameter value.")


NOT_FOUND = error(404, "FPWSE0001E", "Not Found. The resource does not exist, or is not yours.")
UNAUTHORIZED = error(401, "FPWSE0401E", "Unauthorized. A secret is missing, wrong or expired.")


def row(client, call, expected, got):
    """One line of the table."""
    print(json.dumps({"client": client, "call": call, "expected": expected, "got": got}), flush=True)
