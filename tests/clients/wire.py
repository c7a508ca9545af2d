"""What arrives from real clients, one oddity a row: content types, headers, paths and queries."""

import json
import sys

from shared import NOT_FOUND, UNAUTHORIZED, Local, error, row, wrong

NAME = "any"
TOKEN = "fcm-token-of-the-phone-0000000000001"
BODY = {"deviceId": "phone", "token": TOKEN, "platform": "G"}
ODD = "application/json; charset = UTF-8"


class Rows:
    """Answers to one request each, by their status, or whole where they are errors."""

    def __init__(self, local):
        self.local, self.alice = local, local.secret("alice")

    def row(self, call, expected, method, path, body=None, headers=None):
        """A line of the table; the body is text, or what is to become JSON."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        answer = self.local.ask(method, path, text, headers)
        got = self.local.told(answer) if answer.status >= 400 else str(answer.status)
        row(NAME, f"`{method} {path}`{call and ', '}{call}", expected, got)


def headers(rows):
    """Nothing else is sent: no `User-Agent`, no `Accept`."""
    for kind in ("application/json", ODD, "APPLICATION/JSON;charset=utf-8", "application/vnd.ibm+json"):
        rows.row(f"`Content-Type: {kind}`", "201", "POST", "/devices", BODY, {"Content-Type": kind})
    rows.row("no content type", "201", "POST", "/devices", BODY)
    kind = error(415, "FPWSE0415E", "Unsupported Media Type. The body has to be application/json.")
    rows.row("a byte order mark before the body", "201", "POST", "/devices", "\ufeff" + json.dumps(BODY))
    rows.row("`Content-Type: text/plain`", kind, "POST", "/devices", BODY, {"Content-Type": "text/plain"})
    odd = {"Content-Type": ODD, "X-REWRITE-DOMAIN": "stage1.example", "Accept-Language": "en-us", "X-Unknown": "x"}
    rows.row("headers that mean nothing here", "201", "POST", "/devices", BODY, odd)
    bound = {**BODY, "userId": "alice"}
    for name in ("clientSecret", "clientsecret", "CLIENTSECRET", "Clientsecret"):
        rows.row(f"`{name}` of alice", "201", "POST", "/devices", bound, {name: rows.alice})
        rows.row(f"`{name}` of alice", "200", "GET", "/devices/phone", None, {name: rows.alice})
    none = {"clientSecret": "anonymous"}
    rows.row("`clientSecret: anonymous` counts as none", UNAUTHORIZED, "POST", "/devices", bound, none)
    rows.row("`clientSecret: anonymous` counts as none", NOT_FOUND, "GET", "/devices/phone", None, none)
    secret = rows.local.info["appSecret"]
    for name, sent in [
        ("`appSecret`", {"appSecret": secret}),
        ("`APPSECRET`", {"APPSECRET": secret}),
        ("`Authorization: Bearer <app secret>`", {"Authorization": f"Bearer {secret}"}),
        ("`appSecret`, a wrong `clientSecret` beside it", {"appSecret": secret, "clientSecret": "wrong"}),
    ]:
        rows.row(name, "200", "GET", "/devices?userId=alice", None, sent)
    rows.row("`appSecret` that is wrong", UNAUTHORIZED, "GET", "/devices?userId=alice", None, {"appSecret": "wrong"})


def paths(rows):
    """Apps that have no device id yet, or no longer."""
    for method, body in [("GET", None), ("PUT", BODY), ("DELETE", "null"), ("DELETE", "")]:
        sent = {"Content-Type": ODD, "clientSecret": rows.alice}
        for id in ("", "null", "undefined"):
            refused = NOT_FOUND if id == "" or method == "GET" else wrong("deviceId")
            call = "" if body in (None, BODY) else f"body `{body}`"
            rows.row(call, refused, method, f"/devices/{id}", body, sent)
    for id in ("", "null", None):
        rows.row(f"`deviceId` {json.dumps(id)}", wrong("deviceId"), "POST", "/devices", {**BODY, "deviceId": id})
    app = rows.local.app
    for path in (
        "/messages/?offset=0",
        "/messages?offset=0&size=",
        "/devices?offset=0&size=&expand=False&userId=&filter=",
        "/devices?offset=0&size=100&expand=False",
        "/tags?offset=0&size=",
        "/tags/?offset=0",
    ):
        rows.row("", "200" if path != "/tags/?offset=0" else NOT_FOUND, "GET", path, None, app)
    query = error(400, "FPWSE0008E", "Bad Request. The query parameter 'deviceId' is missing.")
    rows.row("", query, "GET", "/subscriptions?offset=0&size=100&expand=False&deviceId=&tagName=", None, app)
    rows.row("", "200", "GET", "/subscriptions?offset=0&size=100&expand=False&deviceId=&tagName=news", None, app)
    rows.row("", "200", "GET", "/settings/gcmConfPublic")
    for path in (
        "/settings/chromeAppExtConfPublic",
        "/settings/safariWebConf",
        "/devices/report?days=1",
        "/messages/report?days=1",
        "/messages/aaaaaaaa/deliverystatus?deviceId=",
    ):
        rows.row("", NOT_FOUND, "GET", path, None, app)


def logout(rows):
    """A body that says nothing."""
    for body in ("null", "", None):
        rows.local.ask("POST", "/devices", json.dumps({**BODY, "userId": "alice"}), {"clientSecret": rows.alice})
        call = "no body and no length" if body is None else f"body `{body}`" if body else "`Content-Length: 0`"
        rows.row(call, "204", "DELETE", "/devices/phone", body, {"Content-Type": ODD, "clientSecret": rows.alice})


def main(url, _):
    rows = Rows(Local(url))
    headers(rows)
    paths(rows)
    logout(rows)


main(*sys.argv[1:])
