"""The iOS SDK, as far as it talks to the service. It knows one status of success for each call, puts its JSON together as
text, and updates a device without saying its platform."""

import json
import sys

from device import DONE, SAME, SHOWN, Days, Device
from shared import Local, row

NAME = "iOS"
TOKENS = "ab12" * 16, "cd34" * 16
CRASH = "the app ends: the SDK unwraps what is not there"


class Ios(Device):
    """One installation."""

    NAME = NAME
    BEFORE = []
    AFTER_503 = "", CRASH, {}

    def headers(self):
        # Foundation spells the names of headers its own way.
        return {
            "Content-Type": "application/json; charset = UTF-8",
            "X-Rewrite-Domain": f"http://{self.local.netloc}",
            "Clientsecret": self.secret,
            "Accept-Language": "en-us",
        }

    def register(self, user):
        known = self.ask("GET", f"/devices/{self.id}")
        named = f', "userId": "{user}"' if user else ""
        ids = f'"deviceId": "{self.id}", "token": "{self.token}"'
        if known.status == 404:
            answer = self.ask("POST", "/devices", f'{{{ids}, "platform": "A"{named}}}')
            return DONE if answer.status == 201 else SHOWN
        if known.status != 200:
            return CRASH
        read = [known.value().get(key) for key in ("token", "deviceId", "userId")]
        if not all(isinstance(text, str) for text in read):
            return CRASH
        if read == [self.token, self.id, user or "anonymous"]:
            return SAME
        answer = self.ask("PUT", f"/devices/{self.id}", f"{{{ids}{named}}}")
        return DONE if answer.status == 200 else SHOWN

    def unregister(self):
        return "unregistered" if self.ask("DELETE", f"/devices/{self.id}").status == 204 else SHOWN

    def subscribe(self, *tags):
        answer = self.ask("POST", "/subscriptions", self.wish(tags))
        return f"tells the app {outcome(answer)}" if answer.status == 207 else SHOWN

    def unsubscribe(self, *tags):
        # Whatever the status is.
        return f"tells the app {outcome(self.ask('POST', '/subscriptions?action=delete', self.wish(tags)))}"

    def wish(self, tags):
        names = ", ".join(f'"{tag}"' for tag in tags)
        return f'{{"tagNames":[{names}], "deviceId":"{self.id}"}}'

    def subscriptions(self):
        return self.names("/subscriptions?deviceId=" + self.id, "subscriptions", "tagName")

    def tags(self):
        return self.names("/tags", "tags", "name")

    def names(self, path, list, name):
        """Nothing is read of a list where something in it is no text."""
        answer = self.ask("GET", path)
        if answer.status != 200:
            return SHOWN
        found = answer.value()[list]
        texts = all(isinstance(value, str) for one in found for value in one.values())
        return (" ".join(one[name] for one in found) if texts else "") or "none"


def outcome(answer):
    """What the SDK reads of an answer about tags, by the names that it has for the parts."""
    parts = answer.value()
    names = lambda key: [one["tagName"] for one in parts[key]]
    told = {}
    if isinstance(parts.get("subscriptionExists"), list):
        told["exist"] = names("subscriptionExists")
    if isinstance(parts.get("tagsNotFound"), dict):
        told["not found"] = parts["tagsNotFound"]["tags"]
    if isinstance(parts.get("subscribed"), list):
        told["subscribed"] = names("subscribed")
    return json.dumps(told)


def told(exist=(), missing=(), subscribed=(), on=True):
    """The same, as it is to be; of unsubscribing the SDK reads only what was not found."""
    lists = {"exist": list(exist), "not found": list(missing), "subscribed": list(subscribed)}
    return "tells the app " + json.dumps(lists if on else {"not found": list(missing)})


def tags(days):
    """Tags, of the phone that the days leave registered for alice."""
    local = days.local
    for name in ("news", "sport"):
        local.backend("POST", "/tags", {"name": name})
    app = days.app("phone-4", days.token, "alice")
    on, off = "POST /subscriptions 207", "POST /subscriptions?action=delete 207"
    own = "GET /subscriptions?deviceId=phone-4 200"
    days.tags(
        app,
        [
            ("asks for all tags", app.tags, "GET /tags 200", "news sport", "nobody"),
            (
                "subscribes to news, gossip",
                lambda: app.subscribe("news", "gossip"),
                on,
                told(missing=["gossip"], subscribed=["news"]),
                "phone",
            ),
            (
                "subscribes to news, sport",
                lambda: app.subscribe("news", "sport"),
                on,
                told(exist=["news"], subscribed=["sport"]),
                "phone",
            ),
            ("asks for its own", app.subscriptions, own, "news sport", "phone"),
            (
                "unsubscribes from news, gossip",
                lambda: app.unsubscribe("news", "gossip"),
                off,
                told(missing=["gossip"], on=False),
                "nobody",
            ),
            ("unsubscribes from news, again", lambda: app.unsubscribe("news"), off, told(on=False), "nobody"),
            ("asks for its own", app.subscriptions, own, "sport", "nobody"),
            ("subscribes to news", lambda: app.subscribe("news"), on, told(subscribed=["news"]), "phone"),
            ("logout ends its subscriptions", app.unregister, "DELETE /devices/phone-4 204", "unregistered", "nobody"),
            (
                "login brings none back",
                lambda: app.register("alice"),
                "GET /devices/phone-4 404, POST /devices 201",
                DONE,
                "nobody",
            ),
        ],
    )


def texts(days):
    """A user id that breaks out of the text that the SDK makes."""
    local = days.local
    local.people('al"ice')
    for call, user, asked in [
        ('a user id with a quote: `al"ice`', 'al"ice', "POST /devices 400"),
        ('a user id that adds a key: `alice", "userId": "bob`', 'alice", "userId": "bob', "POST /devices 401"),
    ]:
        app = days.app("phone-7", "ef56" * 16, "alice")
        days.starts(call, app, user, f"GET /devices/phone-7 404, {asked}", SHOWN, alice="phone")
    answer = app.ask("POST", "/devices", '{"deviceId": "phone-7", "userId": "al"ice"}')
    row(
        NAME,
        "what the app can show of the first",
        '400 {"code":"FPWSE0004E","message":"Bad Request. The body is not valid JSON.","requestId":"<request id>"}',
        local.told(answer),
    )


def main(url, _):
    days = Days(Ios, Local(url), *TOKENS)
    days.tell()
    tags(days)
    texts(days)


if __name__ == "__main__":
    main(*sys.argv[1:])
