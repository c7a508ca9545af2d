"""A registration as a function in Python: it reads, checks and answers as ours does where nothing has changed.

Only that is measured, and what would have to be written is answered with 500.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import sys
import time

import boto3
from botocore.config import Config

APPLICATION_ID = os.environ["APPLICATION_ID"]
TABLE_NAME = os.environ["TABLE_NAME"]
PUBLIC_URL = os.environ.get("PUBLIC_URL")
DAY = 86_400_000
LEASE = int(os.environ.get("BINDING_LEASE_DAYS") or 270) * DAY
BINDINGS_NOT_BEFORE = int(os.environ.get("BINDINGS_NOT_BEFORE") or 0) * 1000
# The fields of our rules: functions/push/src/device.rs.
GRACE, CHECK = 30 * DAY, 7 * DAY
CLOCK_TOLERANCE = 60_000
DEVICE_ID = re.compile(r"(?!(?:\.{1,2}|null|undefined|\(null\)|report)$)[A-Za-z0-9._~:@+=,!$*()'-]{1,128}")
USER_ID = re.compile(r"(?!anonymous$)[^\x00-\x1f\x7f-\x9f]{1,254}")
TOKENS = {"A": re.compile(r"(?:[0-9A-Fa-f]{2}){32,200}"), "G": re.compile(r"[!-~]{32,4096}")}

# What is sent is made right here: the SDK need not look whether it is valid.
CONFIG = Config(region_name=os.environ["AWS_REGION"], parameter_validation=False)
DYNAMODB = boto3.client("dynamodb", config=CONFIG)


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def client_secret():
    """Fetched once, and only its current version: ours fetches the previous one and another secret too, again and again."""
    client = boto3.client("secretsmanager", config=CONFIG)
    answer = client.get_secret_value(SecretId=os.environ["CLIENT_SECRET_ID"], VersionStage="AWSCURRENT")
    return answer["SecretString"].encode()


SECRET = client_secret()
KEY_ID = hashlib.sha256(SECRET).hexdigest()[:8]


def register(event):
    now = time.time_ns() // 1_000_000
    if event.get("pathParameters", {}).get("applicationId") != APPLICATION_ID:
        raise Refusal(404, "There is no such application.")
    wanted = parsed(event)
    user = user_of(event["headers"].get("clientsecret", ""), now)
    if user is None or user != wanted["userId"]:
        raise Refusal(401, "The client secret is missing, wrong or expired.")
    arrived = event["requestContext"]["timeEpoch"]
    if abs(now - arrived) > CLOCK_TOLERANCE:
        arrived = now
    device, holder, link = snapshot(wanted)
    if not (device and holder and link and is_unchanged(now, arrived, wanted, device, holder, link)):
        raise Refusal(500, "Something has changed, and would have to be written.")
    return answer(
        201,
        {
            **wanted,
            "createdTime": rfc3339(number(device, "created")),
            "lastUpdatedTime": rfc3339(number(device, "updated")),
            "createdMode": "API",
            "href": f"{origin(event)}/imfpush/v1/apps/{APPLICATION_ID}/devices/{wanted['deviceId']}",
        },
    )


def parsed(event):
    body = event.get("body") or ""
    try:
        fields = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError:
        raise Refusal(400, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise Refusal(400, "The body is no object.")
    wanted = {name: fields.get(name) for name in ["deviceId", "token", "platform", "userId"]}
    strings = all(isinstance(value, str) for value in wanted.values())
    if not (
        strings
        and wanted["platform"] in TOKENS
        and DEVICE_ID.fullmatch(wanted["deviceId"])
        and USER_ID.fullmatch(wanted["userId"])
        and TOKENS[wanted["platform"]].fullmatch(wanted["token"])
    ):
        raise Refusal(400, "A field is missing or wrong.")
    return wanted


def user_of(text, now):
    """For whom a client secret speaks: one form of JSON Web Token and no other."""
    try:
        header, claims, tag = text.split(".")
        signed = f"{header}.{claims}".encode()
        header = decoded(header)
        if header.keys() - {"typ"} != {"alg", "kid"} or header.get("typ", "JWT") != "JWT":
            return None
        if header["alg"] != "HS256" or header["kid"] != KEY_ID:
            return None
        if not hmac.compare_digest(hmac.digest(SECRET, signed, "sha256"), from_base64(tag)):
            return None
        claims = decoded(claims)
        user = claims["sub"]
        genuine = claims["iss"] == APPLICATION_ID and claims["exp"] * 1000 > now
        return user if genuine and isinstance(user, str) else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def decoded(part):
    return json.loads(from_base64(part))


def from_base64(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def snapshot(wanted):
    """The items of the device, of its token and of the user's link to it, in one consistent read."""
    device, token, platform = wanted["deviceId"], wanted["token"], wanted["platform"]
    canonical = token.lower() if platform == "A" else token
    keys = [
        (f"DEVICES#{hashlib.sha256(device.encode()).digest()[0]}", device),
        (f"TOKEN#{sha256(f'{platform}:{canonical}')}", "TOKEN"),
        (f"USER#{wanted['userId']}", device),
    ]
    read = {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys], "ConsistentRead": True}
    answer = DYNAMODB.batch_get_item(RequestItems={TABLE_NAME: read})
    if answer.get("UnprocessedKeys"):
        raise Refusal(500, "The table has not answered in full.")
    items = {item["pk"]["S"]: item for item in answer["Responses"][TABLE_NAME]}
    return [items.get(pk) for pk, _ in keys]


def is_unchanged(now, arrived, wanted, device, holder, link):
    marks = device.get("marks", {}).get("M", {})
    logouts = [marks.get(who) for who in (sha256(wanted["userId"])[:32], "*")] + [device.get("barrier")]
    overtaken = (
        number(device, "arrived") > arrived
        or number(holder, "arrived") > arrived
        or any(logout is not None and int(logout["N"]) > arrived for logout in logouts)
    )
    expires = number(device, "expires") * 1000
    return (
        not overtaken
        and "ended" not in device
        and expires > now
        and device.get("owner") == {"S": wanted["userId"]}
        and number(device, "lease") * 1000 > now
        and number(device, "updated") >= BINDINGS_NOT_BEFORE
        and device["platform"]["S"] == wanted["platform"]
        and device["token"]["S"] == wanted["token"]
        and holder["d"]["S"] == wanted["deviceId"]
        and number(holder, "expires") * 1000 > now
        and number(link, "expires") * 1000 > now
        and expires - GRACE - now > LEASE / 2
        and now - number(device, "checked") < CHECK
    )


def number(item, name):
    return int(item[name]["N"])


def origin(event):
    scheme = event["headers"].get("x-forwarded-proto", "https")
    return PUBLIC_URL or f"{scheme}://{event['requestContext']['domainName']}"


def rfc3339(millis):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(millis // 1000))


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def handle(event):
    try:
        return register(event)
    except Refusal as refusal:
        return answer(refusal.status, {"message": str(refusal)})
    except Exception as error:
        print(repr(error), file=sys.stderr, flush=True)
        return answer(500, {"message": repr(error)})


def serve():
    """The Runtime API in place of AWS's own client for it, which is built from C: this is less work for each call."""
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = "/2018-06-01/runtime/invocation/"
    while True:
        api.request("GET", path + "next")
        response = api.getresponse()
        event = json.loads(response.read())
        answered = json.dumps(handle(event)).encode()
        api.request("POST", f"{path}{response.headers['lambda-runtime-aws-request-id']}/response", answered)
        api.getresponse().read()


serve()
