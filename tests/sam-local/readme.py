"""Compares what the README's requests printed, line by line on standard input, with what it says happens."""

import json
import sys

from expect import MESSAGE_ID, TIME, expect


def value(line):
    try:
        return json.loads(line)
    except ValueError:
        return line


url = sys.argv[1]
said = [value(line) for line in sys.stdin.read().splitlines() if line]
assert len(said) == 6, f"the README's requests said: {said}"
registered, read, sent, pushes, gone, unheard = said
device = {
    "deviceId": "phone",
    "token": "fcm-token-of-alices-phone-0000001",
    "platform": "G",
    "userId": "alice",
    "createdMode": "API",
    "createdTime": TIME,
    "lastUpdatedTime": TIME,
    "href": f"{url}/devices/phone",
}


def message(alert, devices):
    message = {"message": {"alert": alert}, "target": {"userIds": ["alice"]}}
    return {"message": message, "messageId": MESSAGE_ID, "recipients": {"alice": devices}}


expect("README: Alice's phone registers", registered, device)
expect("README: it is read", read, device)
expect("README: a message reaches one device", sent, message("Hello Alice", 1))
data = [(push["token"], push["payload"]["fcmV1Message"]["message"]["data"]["alert"]) for push in pushes["pushes"]]
expect("README: the push arrives", data, [(device["token"], "Hello Alice")])
expect("README: it unregisters", gone, 204)
expect("README: nobody is reached any more", unheard, message("Anybody there?", 0))
