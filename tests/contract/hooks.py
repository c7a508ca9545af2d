"""What no document can say: the secrets, and values that hang together or that only an answer gives."""

import json
import os
import sys
from base64 import urlsafe_b64encode
from functools import cache
from itertools import count, cycle
from urllib.parse import unquote
from urllib.request import Request, urlopen

import schemathesis

LOCAL = os.environ["USERPUSH_URL"]


def asked(path, body=None, headers=None):
    """What the local system answers."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(LOCAL + path, data, headers or {}), timeout=10) as answer:
        return json.load(answer)


INFO = asked("/_local/info")
PREFIX = f"/imfpush/v1/apps/{INFO['applicationId']}"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def user_secret(user):
    """What the app of this user was handed out."""
    token = asked("/_local/login", {"userId": user})["token"]
    return {"clientSecret": asked(f"{PREFIX}/init", headers=bearer(token))["clientSecret"]}


# By the security that an operation names first: what may do everything, in each form, by turns.
BACKEND = [{"appSecret": INFO["appSecret"]}, bearer(INFO["appSecret"])]
PROOFS = {
    "signIn": cycle([bearer(asked("/_local/login", {"userId": "alice"})["token"])]),
    "appSecret": cycle(BACKEND),
    "clientSecret": cycle([{"clientSecret": INFO["clientSecret"]}, *BACKEND]),
}
# Outside of links, which need a caller that may go on, calls of devices and subscriptions also come with less.
LESS = cycle(
    [
        {"clientSecret": INFO["clientSecret"]},
        *BACKEND,
        user_secret("alice"),
        user_secret("carol"),
        {"clientSecret": "anonymous"},
        {},
    ]
)


class Secrets:
    """A secret that the operation asks for."""

    def get(self, case, context):
        wanted = context.operation.definition.raw.get("security", [])
        if not wanted:
            return {}
        scheme = next(iter(wanted[0]))
        less = scheme == "clientSecret" and case.meta is not None and case.meta.phase.name.value != "stateful"
        return next(LESS if less else PROOFS[scheme])

    def set(self, case, data, context):
        case.headers.update(data)


if "USERPUSH_PEERS" not in os.environ:
    schemathesis.auth(refresh_interval=None)(Secrets)


def cursors(*texts):
    """Where pages begin, by turns."""
    return cycle(urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in texts)


# At a shard, or behind a device.
CURSORS = cursors("0", "17", "255", "51.D1")
# Of subscriptions to a tag: at a part of its index, or behind a device. Of those of a user: behind a device and a tag.
CURSORS_OF_TAG = cursors("0.", "15.", "3.D1")
CURSORS_OF_USER = cursors("D1 news", "of-carol traffic")
NUMBERS = count()
# A message to a platform or to everybody is 256 jobs, one to tags 16: so many single ones of each are sent, the others go
# to a user.
LARGE, TAGGED = iter(range(10)), iter(range(40))

# Hosts that may be called, in each form; what is generated is mostly none.
URLS = cycle(
    ["https://hooks.example.com/a?b=c", "https://h.example:8443", "https://1.1.1.1/", "https://[2606:4700::1]/x"]
)

# Devices with their users, and tags: nothing that is generated names them, so that they stay.
DEVICES = {"of-carol": "carol", "of-nobody": ""}
TAGS = ["weather", "traffic"]
NAMES = cycle(TAGS)
# Five turns, of seven secrets: each comes with each. In the last one what was generated stays.
SUBSCRIBERS = cycle([*DEVICES, *DEVICES, None])
LISTED = cycle(
    [
        *({"deviceId": device} for device in DEVICES),
        # Without a device, as an empty value is none.
        {"deviceId": "", "tagName": TAGS[0]},
        {"deviceId": "", "userId": "carol"},
        {},
    ]
)


@cache
def prepare():
    """Registers the devices, creates the tags and sends a message; gives its id."""
    headers = BACKEND[0] | {"Content-Type": "application/json"}
    for device, user in DEVICES.items():
        token = device.ljust(32, ".")
        asked(f"{PREFIX}/devices", {"deviceId": device, "token": token, "platform": "G", "userId": user}, headers)
    for tag in TAGS:
        asked(f"{PREFIX}/tags", {"name": tag}, headers)
    message = {"message": {"alert": "Hi"}, "target": {"userIds": ["carol"]}, "settings": {"gcm": {"sync": True}}}
    return asked(f"{PREFIX}/messages", message, headers)["messageId"]


def affordable(message, large, tagged):
    """The message, one to tags also to one that there is; with another target where it would take too many jobs."""
    target = message.get("target") or {}
    if any(target.get(kind) for kind in ("userIds", "deviceIds")):
        return message
    tags = target.get("tagNames")
    if next(tagged if tags else large, None) is None:
        return message | {"target": {"userIds": ["alice"]}}
    return message | {"target": target | {"tagNames": [*tags, TAGS[0]]}} if tags else message


def with_json(value):
    """The value with texts that are JSON where `payload` is a text: they are not generated so."""
    if isinstance(value, list):
        return [with_json(item) for item in value]
    if isinstance(value, dict):
        made = {key: with_json(item) for key, item in value.items()}
        return made | {"payload": '{"parcel":7}'} if isinstance(made.get("payload"), str) else made
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes right what a schema cannot ask for. What is meant to be wrong stays as it is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw.get("operationId")
    for parameters in (case.path_parameters, case.query):
        # A link takes the user of an anonymous device for one.
        if parameters and parameters.get("userId") == "anonymous":
            parameters["userId"] = "alice"
    if operation == "listDevices" and case.query.get("cursor"):
        case.query["cursor"] = next(CURSORS)
    if operation == "sendMessage":
        case.body = affordable(with_json(case.body), LARGE, TAGGED)
    if operation == "sendMessages":
        case.body = [affordable(message, iter(()), iter(())) for message in with_json(case.body)]
    if "Idempotency-Key" in (case.headers or {}):
        # Under one that has come before, another body is rightly refused.
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}{case.headers['Idempotency-Key']}"[:64]
    if case.auth_identity and isinstance(case.body, dict):
        # Each speaks for itself.
        case.body["userId"] = case.auth_identity
    if operation == "updateDevice":
        if case.body.get("deviceId") is not None:
            case.body["deviceId"] = case.path_parameters["deviceId"]
        if case.body.get("platform") is None:
            # One that is good on both platforms.
            case.body["token"] = "ab" * 32
    if operation == "updateTag" and case.body.get("name") is not None:
        # A path has it encoded, and a name has no percent sign itself.
        case.body["name"] = unquote(case.path_parameters["tagName"])
    if operation in ("createWebhook", "updateWebhook"):
        case.body["url"] = next(URLS)
    if operation == "createWebhook":
        make_room()
    if operation == "updateWebhook" and case.body.get("name") is not None:
        case.body["name"] = unquote(case.path_parameters["webhookName"])
    if operation in ("subscribe", "listSubscriptions", "unsubscribe", "reportMessage"):
        existing(operation, case)


def make_room():
    """There are at most ten webhooks: deletes those that were made first."""
    webhooks = asked(f"{PREFIX}/webhooks", headers=BACKEND[0])["webhooks"]
    if len(webhooks) < 9:
        return
    for webhook in sorted(webhooks, key=lambda webhook: webhook["createdTime"])[:5]:
        path = f"{PREFIX}/webhooks/{webhook['name']}"
        with urlopen(Request(LOCAL + path, headers=BACKEND[0], method="DELETE"), timeout=10):
            pass


def existing(operation, case):
    """Makes it, in most turns, a call about a device, a tag and a message that there are; not where a link says about which."""
    message = prepare()
    if operation == "subscribe":
        if device := next(SUBSCRIBERS):
            case.body["deviceId"] = device
            if case.body.get("tagName") is not None:
                case.body["tagName"] = next(NAMES)
            else:
                case.body["tagNames"] = [*case.body["tagNames"], *TAGS][-100:]
        return
    linked = case.meta.phase.name.value == "stateful"
    if operation == "reportMessage":
        if device := next(SUBSCRIBERS):
            case.body["deviceId"] = device
            if not linked:
                case.path_parameters["messageId"] = message
        return
    if operation == "unsubscribe":
        if not linked and (device := next(SUBSCRIBERS)):
            case.query.update(deviceId=device, tagName=next(NAMES))
        return
    if not linked:
        case.query.update(next(LISTED))
    if not any(case.query.get(name) for name in ("deviceId", "userId", "tagName")):
        case.query["tagName"] = next(NAMES)
    if case.query.get("cursor"):
        case.query["cursor"] = next(CURSORS_OF_USER if case.query.get("userId") else CURSORS_OF_TAG)


def peers(file):
    """Writes the secrets of two users, as schemathesis reads them."""
    users = []
    for name in ("alice", "bob"):
        headers = [{"name": header, "value": value} for header, value in user_secret(name).items()]
        users.append({"name": name, "fixedHeaders": headers})
    with open(file, "w", encoding="utf-8") as text:
        json.dump({"auth": users}, text)


if __name__ == "__main__":
    peers(sys.argv[1])
