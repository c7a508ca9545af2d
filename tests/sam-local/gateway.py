"""The API of `sam local start-api`, and the functions behind the scenes by `sam local invoke`.

`gateway.py LOCAL API TEMPLATE COMMAND…`: the URLs of the local system and of the API with its application, the built
template, and what invokes RotateFunction with the event on its standard input."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

from expect import NOT_FOUND, UNAUTHORIZED, WEBHOOKS_OFF, expect, refused, wrong
from story import Story
from system import System
from template import Template

# What each route answers a caller without any secret and with an empty object.
WITHOUT_SECRET = {
    ("GET", "/init"): UNAUTHORIZED,
    ("POST", "/devices"): wrong("deviceId"),
    ("PUT", "/devices/{deviceId}"): NOT_FOUND,
    ("GET", "/devices/{deviceId}"): NOT_FOUND,
    ("DELETE", "/devices/{deviceId}"): NOT_FOUND,
    ("GET", "/devices"): UNAUTHORIZED,
    ("DELETE", "/users/{userId}"): UNAUTHORIZED,
    ("DELETE", "/users"): refused(400, "FPWSE0008E", "Bad Request. The query parameter 'userId' is missing."),
    ("POST", "/messages"): UNAUTHORIZED,
    ("POST", "/messages/bulk"): UNAUTHORIZED,
    ("GET", "/messages"): UNAUTHORIZED,
    ("GET", "/messages/{messageId}"): UNAUTHORIZED,
    ("DELETE", "/messages/{messageId}"): UNAUTHORIZED,
    ("GET", "/messages/{messageId}/status"): UNAUTHORIZED,
    ("PUT", "/messages/{messageId}"): wrong("deviceId"),
    ("POST", "/tags"): UNAUTHORIZED,
    ("GET", "/tags"): (200, {"tags": []}),
    ("GET", "/tags/{tagName}"): UNAUTHORIZED,
    ("PUT", "/tags/{tagName}"): UNAUTHORIZED,
    ("DELETE", "/tags/{tagName}"): UNAUTHORIZED,
    ("POST", "/subscriptions"): wrong("deviceId"),
    ("GET", "/subscriptions"): UNAUTHORIZED,
    ("DELETE", "/subscriptions"): refused(400, "FPWSE0008E", "Bad Request. The query parameter 'deviceId' is missing."),
    ("POST", "/webhooks"): WEBHOOKS_OFF,
    ("GET", "/webhooks"): WEBHOOKS_OFF,
    ("GET", "/webhooks/{webhookName}"): WEBHOOKS_OFF,
    ("PUT", "/webhooks/{webhookName}"): WEBHOOKS_OFF,
    ("DELETE", "/webhooks/{webhookName}"): WEBHOOKS_OFF,
    ("GET", "/settings/gcmConfPublic"): (200, {"senderId": "123456789012"}),
    (None, ""): NOT_FOUND,
}


class Gateway:
    def __init__(self, url, command):
        self.url, self.command = url, command

    def api(self, method, path, body, headers):
        data = None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read()
            kind = answer.headers["content-type"]
        assert not text or kind == "application/json", f"{method} {path} answers with {kind}"
        return answer.status, json.loads(text) if text else None

    def invoke(self, function, event):
        command = [function if word == "RotateFunction" else word for word in self.command]
        done = subprocess.run(
            command, input=json.dumps(event), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0 and done.stdout, f"{function}: {done.stderr}"
        return json.loads(done.stdout)


def main():
    local, url, template, *command = sys.argv[1:]
    gateway = Gateway(url, command)
    expect("every route has an answer to hold it to", set(WITHOUT_SECRET), set(Template(template).routes()))
    for (method, path), wanted in WITHOUT_SECRET.items():
        body = {} if method in {"POST", "PUT"} else None
        got = gateway.api(method or "GET", path.replace("{", "").replace("}", "") or "/somewhere", body, {})
        expect(f"{method or 'anything'} {path or 'else'} without a secret", got, wanted)
    system = System(local)
    story = Story(system, "sam", url, gateway.api, gateway.invoke, system.sign_in)
    story.tell()
    story.rotate(["createSecret"])


main()
