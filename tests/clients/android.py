"""The Android SDK, as far as it talks to the service. It takes any 2xx for success, and goes on by registering anew after any
failure of its first read."""

import sys

from device import DONE, SAME, SHOWN, Days, Device
from shared import Local, row

NAME = "Android"
TOKENS = "fcm-token-of-the-phone-0000000000001", "fcm-token-of-the-phone-0000000000002"


class Android(Device):
    """One installation."""

    NAME = NAME
    BEFORE = ["GET /settings/gcmConfPublic 200"]
    AFTER_503 = ", POST /devices 201", DONE, {"alice": "phone"}

    def __init__(self, *given):
        super().__init__(*given)
        # What it keeps: the id that the service gave, and whether a registration is still to come.
        self.stored, self.new = None, False

    def headers(self):
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-REWRITE-DOMAIN": "",
            "clientSecret": self.secret,
        }

    def register(self, user):
        settings = self.ask("GET", "/settings/gcmConfPublic")
        if not good(settings) or not isinstance(settings.value().get("senderId"), str):
            return SHOWN
        known = self.ask("GET", f"/devices/{self.id}")
        device = {"deviceId": self.id, "token": self.token, "platform": "G"} | ({"userId": user} if user else {})
        if not good(known):
            self.new = True
        else:
            read = known.value()
            self.stored = read["deviceId"]
            if [read[key] for key in ("deviceId", "token", "userId")] == [self.id, self.token, user or "anonymous"]:
                return SAME
        answer = (
            self.ask("POST", "/devices", device) if self.new else self.ask("PUT", f"/devices/{self.stored}", device)
        )
        if not good(answer):
            return SHOWN
        self.stored, self.new = answer.value()["deviceId"], False
        return DONE

    def unregister(self):
        # Before the first registration there is no id, and Java writes that as null.
        return "unregistered" if good(self.ask("DELETE", f"/devices/{self.stored or 'null'}")) else SHOWN

    def subscribe(self, tag):
        answer = self.ask("POST", "/subscriptions", {"deviceId": self.stored, "tagName": tag})
        return f"subscribed to {tag}" if good(answer) else SHOWN

    def unsubscribe(self, tag):
        answer = self.ask("DELETE", f"/subscriptions?deviceId={self.stored}&tagName={tag}")
        return f"unsubscribed from {tag}" if good(answer) else SHOWN

    def subscriptions(self):
        answer = self.ask("GET", f"/subscriptions?deviceId={self.stored}")
        return listed(one["tagName"] for one in answer.value()["subscriptions"]) if good(answer) else SHOWN

    def tags(self):
        answer = self.ask("GET", "/tags")
        return listed(one["name"] for one in answer.value()["tags"]) if good(answer) else SHOWN


def good(answer):
    return 200 <= answer.status < 300


def listed(names):
    return " ".join(names) or "none"


def tags(days):
    """Tags, of the phone that the days leave registered for alice."""
    local = days.local
    for name in ("news", "sport"):
        local.backend("POST", "/tags", {"name": name})
    app = days.app("phone-4", days.token, "alice")
    app.register("alice")
    app.takes()
    subscription = "POST /subscriptions"
    gone = "/subscriptions?deviceId=phone-4&tagName="
    days.tags(
        app,
        [
            ("asks for all tags", app.tags, "GET /tags 200", "news sport", "nobody"),
            ("subscribes", lambda: app.subscribe("news"), f"{subscription} 201", "subscribed to news", "phone"),
            ("subscribes, again", lambda: app.subscribe("news"), f"{subscription} 201", "subscribed to news", "phone"),
            ("subscribes to no tag", lambda: app.subscribe("gossip"), f"{subscription} 404", SHOWN, "phone"),
            ("asks for its own", app.subscriptions, "GET /subscriptions?deviceId=phone-4 200", "news", "phone"),
            (
                "unsubscribes",
                lambda: app.unsubscribe("news"),
                f"DELETE {gone}news 204",
                "unsubscribed from news",
                "nobody",
            ),
            ("unsubscribes, again", lambda: app.unsubscribe("news"), f"DELETE {gone}news 404", SHOWN, "nobody"),
            ("asks for its own", app.subscriptions, "GET /subscriptions?deviceId=phone-4 200", "none", "nobody"),
            ("subscribes", lambda: app.subscribe("news"), f"{subscription} 201", "subscribed to news", "phone"),
            ("logout ends its subscriptions", app.unregister, "DELETE /devices/phone-4 204", "unregistered", "nobody"),
            (
                "login brings none back",
                lambda: app.register("alice"),
                "GET /settings/gcmConfPublic 200, GET /devices/phone-4 404, POST /devices 201",
                DONE,
                "nobody",
            ),
        ],
    )


def odd(local, strict):
    """Apps that call in a wrong order, and a service without FCM's sender id."""
    app = Android(local, "phone-6", TOKENS[0], "anonymous")
    decided = app.unregister()
    row(NAME, "logout before the first registration", f"DELETE /devices/null 400: {SHOWN}", f"{app.takes()}: {decided}")
    app = Android(strict, "phone-6", TOKENS[0], "anonymous")
    decided = app.register("")
    row(
        NAME,
        "where no sender id is configured",
        f"GET /settings/gcmConfPublic 404: {SHOWN}",
        f"{app.takes()}: {decided}",
    )


def main(url, strict):
    days = Days(Android, Local(url), *TOKENS)
    days.tell()
    tags(days)
    odd(days.local, Local(strict))


if __name__ == "__main__":
    main(*sys.argv[1:])
