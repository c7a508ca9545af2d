"""What no document can say: the secrets, and values that hang together or that only an answer gives."""

import json
import os
import sys
from base64 import urlsafe_b64encode
from itertools import count, cycle
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
# Outside of links, which need a caller that may go on, calls of devices also come with less.
LESS = cycle([{"clientSecret": INFO["clientSecret"]}, *BACKEND, user_secret("alice"), {"clientSecret": "anonymous"}, {}])


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


# Where pages begin: at a shard, or behind a device.
CURSORS = cycle(urlsafe_b64encode(text).decode().rstrip("=") for text in (b"0", b"17", b"255", b"51.D1"))
NUMBERS = count()
# A message to a platform or to everybody is 256 jobs: so many single ones are sent, the others go to a user.
LARGE = iter(range(10))


def affordable(message, large):
    """The message; with another target where it would take many jobs."""
    target = message.get("target") or {}
    if any(target.get(kind) for kind in ("userIds", "deviceIds")) or next(large, None) is not None:
        return message
    return message | {"target": {"userIds": ["alice"]}}


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
        case.body = affordable(with_json(case.body), LARGE)
    if operation == "sendMessages":
        case.body = [affordable(message, iter(())) for message in with_json(case.body)]
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
