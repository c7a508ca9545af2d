"""What became of a message on a phone: the SDKs report that it was shown, then that it was opened."""

import json
import sys

from android import TOKENS, Android
from ios import TOKENS as IPHONES
from ios import Ios
from shared import Local, row, shown, status
from web import Page


def asks(device):
    """A report of an SDK for phones, with its own headers."""
    return lambda path, body: device.ask("PUT", path, body)


def reports(local, name, device, ask):
    """A message to one device, its two reports, and what its status says then."""
    target = {"message": {"alert": "Hello"}, "target": {"deviceIds": [device]}}
    message = local.backend("POST", "/messages", target).value()["messageId"]
    for word in ("SEEN", "OPEN"):
        answer = ask(f"/messages/{message}", json.dumps({"deviceId": device, "status": word}))
        row(name, f"reports `{word}`", "200 {}", "nothing that it can read" if answer is None else local.told(answer))
    got = local.told(local.backend("GET", f"/messages/{message}/status"))
    row(name, "what the status of the message says then", f"200 {shown(status(seen=1, opened=1))}", got)


def main(url, _):
    local = Local(url)
    alice = local.secret("alice")
    for sdk, token in [(Android, TOKENS[0]), (Ios, IPHONES[0])]:
        device = sdk(local, f"phone-{sdk.NAME}", token, alice)
        device.register("alice")
        reports(local, sdk.NAME, device.id, asks(device))
    page = Page(local, alice)
    device = f"phone-{Android.NAME}"
    reports(local, "Web", device, lambda path, body: page.fetch("PUT", path, body))


main(*sys.argv[1:])
