"""The Web SDK in a browser, as far as it talks to the service: a page of another origin, which reads nothing that CORS does not
let it read. Its registration is what Userpush cannot serve, as SNS has no web push."""

import json
import sys

from shared import NOT_FOUND, UNAUTHORIZED, Local, error, row, wrong

NAME = "Web"
ORIGIN = "https://shop.example"
TOKEN = json.dumps({"endpoint": "https://push.example/1", "userPublicKey": "k", "userAuth": "a"})
UNREADABLE = "nothing that the page can read"


class Page:
    """A browser that shows a page of `ORIGIN`."""

    def __init__(self, local, secret):
        self.local, self.secret = local, secret
        self.asked = []

    def fetch(self, method, path, body=None, **headers):
        """The answer, where the page may read it: asked for first, as the headers are none that a page may always send."""
        headers = {"Content-Type": "application/json; charset = UTF-8", **headers}
        if self.secret:
            headers["clientSecret"] = self.secret
        names = sorted(name.lower() for name in headers)
        asking = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ",".join(names)}
        answer = self.local.ask("OPTIONS", path, None, {"Origin": ORIGIN, **asking})
        self.asked.append(f"OPTIONS {answer.status}")
        methods = ["GET", "HEAD", "POST", *listed(answer, "access-control-allow-methods")]
        allowed = listed(answer, "access-control-allow-headers")
        permitted = method in methods and all(name in allowed or name == "*" for name in names)
        if not (readable(answer) and 200 <= answer.status < 300 and permitted):
            return None
        answer = self.local.ask(method, path, body, {"Origin": ORIGIN, **headers})
        self.asked.append(f"{method} {path} {answer.status}")
        return answer if readable(answer) else None

    def takes(self):
        """What was asked since this was last called."""
        asked, self.asked = ", ".join(self.asked), []
        return asked


def readable(answer):
    return answer.headers.get("access-control-allow-origin") in ("*", ORIGIN)


def listed(answer, header):
    """The words of a header, methods as they are and names of headers in lower case."""
    return [word.strip() for word in answer.headers.get(header, "").split(",")]


class Web(Page):
    """The SDK in that page; `kept` is the device id that the browser keeps."""

    kept = None

    def register(self, device):
        """What the page is told."""
        known = self.fetch("GET", f"/devices/{device['deviceId']}")
        if known is None:
            return f"error shown: {UNREADABLE}"
        if known.status == 200:
            read = known.value()
            same = all(read[key] == device[key] for key in ("token", "deviceId"))
            if same and device.get("userId") in (None, read["userId"]):
                return "nothing to change"
            answer = self.fetch("PUT", f"/devices/{device['deviceId']}", json.dumps(device))
            return self.outcome(answer, (200, 201))
        if known.status != 404:
            return "the page hears nothing"
        return self.outcome(self.fetch("POST", "/devices", json.dumps(device)), (201,))

    def outcome(self, answer, good):
        if answer is not None and answer.status in good:
            return "registered"
        return f"error shown: {UNREADABLE if answer is None else self.local.told(answer)}"

    def unregister(self):
        # Where nothing is kept JavaScript writes null; after a logout it keeps an empty text.
        answer = self.fetch("DELETE", f"/devices/{'null' if self.kept is None else self.kept}", "null")
        if answer is None or answer.status != 204:
            return "error shown"
        self.kept = ""
        return "unregistered"


def registrations(local):
    """The Web SDK's own devices."""
    alice = local.secret("alice")
    not_served = wrong("platform")
    for platform in ("WEB_CHROME", "WEB_FIREFOX", "WEB_SAFARI"):
        for who, secret in [({"userId": "alice"}, alice), ({}, "")]:
            sdk = Web(local, secret)
            decided = sdk.register({"deviceId": "web-1", "token": TOKEN, "platform": platform, **who})
            asked = "OPTIONS 204, GET /devices/web-1 404, OPTIONS 204, POST /devices 400"
            call = (
                f"registers a browser as `{platform}` for {who.get('userId', 'nobody')}: the Web SDK cannot be served"
            )
            row(NAME, call, f"{asked}: error shown: {not_served}", f"{sdk.takes()}: {decided}")
    sdk = Web(local, alice)
    sdk.register({"deviceId": "", "token": TOKEN, "platform": "WEB_CHROME"})
    asked = "OPTIONS 204, GET /devices/ 404, OPTIONS 204, POST /devices 400"
    row(NAME, "registers without a device id", asked, sdk.takes())


def logouts(local):
    """Ids that the browser does not keep; then a phone's device in the place of one that it cannot have."""
    alice = local.secret("alice")
    sdk = Web(local, alice)
    decided = sdk.unregister()
    asked = "OPTIONS 204, DELETE /devices/null 400"
    row(NAME, "logout before the first registration", f"{asked}: error shown", f"{sdk.takes()}: {decided}")
    token = local.phone("phone", "fcm-token-of-the-phone-0000000000001")
    device = {"deviceId": "web-2", "token": token, "platform": "G"}
    local.ask("POST", "/devices", json.dumps({**device, "userId": "alice"}), {"clientSecret": alice})
    sdk.kept = "web-2"

    def step(call, do, asked, decides, reached):
        decided = do()
        got = f"{sdk.takes()}: {decided}; {local.reached('alice')}"
        row(NAME, call, f"{asked}: {decides}; to alice: {reached}", got)

    read = "OPTIONS 204, GET /devices/web-2"
    step(
        "a fresh page registers alice's device for nobody, with her secret: only the GET is made and it stays hers",
        lambda: sdk.register(device),
        f"{read} 200",
        "nothing to change",
        "phone",
    )
    step(
        "the same for alice",
        lambda: sdk.register({**device, "userId": "alice"}),
        f"{read} 200",
        "nothing to change",
        "phone",
    )
    step(
        "logout is DELETE, with the body `null`",
        sdk.unregister,
        "OPTIONS 204, DELETE /devices/web-2 204",
        "unregistered",
        "nobody",
    )
    step("logout, again", sdk.unregister, "OPTIONS 204, DELETE /devices/ 404", "error shown", "nobody")


def refusals(local):
    """The page reads errors of every kind, and those of the gateway itself."""
    page = Page(local, "no-secret-of-ours")
    device = {"deviceId": "web-3", "token": "fcm-token-of-the-phone-0000000000003", "platform": "G"}
    alice = json.dumps({**device, "userId": "alice"})
    for call, ask, expected in [
        ("a wrong secret", lambda: page.fetch("POST", "/devices", alice), UNAUTHORIZED),
        ("a read with a wrong secret", lambda: page.fetch("GET", "/devices/web-3"), NOT_FOUND),
        (
            "a body that is no JSON",
            lambda: page.fetch("POST", "/devices", "{"),
            error(400, "FPWSE0004E", "Bad Request. The body is not valid JSON."),
        ),
        ("a path that there is not", lambda: page.fetch("GET", "/nothing"), NOT_FOUND),
        (
            "a method that the path has not",
            lambda: page.fetch("PUT", "/devices", alice),
            error(405, "FPWSE0405E", "Method Not Allowed."),
        ),
        (
            "`init` without a good token: the gateway's own answer",
            lambda: page.fetch("GET", "/init", None, authorization="Bearer x"),
            '401 {"message":"Unauthorized"}',
        ),
    ]:
        answer = ask()
        row(NAME, call, expected, UNREADABLE if answer is None else local.told(answer))
    answer = page.fetch("PATCH", "/devices/web-3", alice)
    row(NAME, "a method that no page may use", UNREADABLE, UNREADABLE if answer is None else local.told(answer))


def main(url, _):
    local = Local(url)
    registrations(local)
    logouts(local)
    refusals(local)


if __name__ == "__main__":
    main(*sys.argv[1:])
