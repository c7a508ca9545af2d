"""Compares what the tour printed, line by line, with what the README says happens."""

import json
import sys

lines = [line for line in sys.stdin.read().splitlines() if line]
said = [json.loads(line) if line[0] == "{" else line for line in lines]


def alerts(pushes):
    return [push["payload"]["fcmV1Message"]["message"]["data"]["alert"] for push in pushes["pushes"]]


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"


alice, hello, arrived, bob, both, only_bobs, gone, sent, nothing, nobody, refused = said
expect("the tablet is Alice's", alice["userId"], "alice")
expect("Alice has one device", hello["recipients"], {"alice": 1})
expect("her push arrives", alerts(arrived), ["Hello Alice"])
expect("the tablet is Bob's", bob["userId"], "bob")
expect("only Bob has a device", both["recipients"], {"alice": 0, "bob": 1})
expect("only his push arrives", alerts(only_bobs), ["Who has the tablet?"])
expect("Bob signs out", gone, "204")
expect("nobody has a device", sent["recipients"], {"bob": 0})
expect("nothing arrives", alerts(nothing), [])
expect("the tablet is anonymous", nobody["userId"], "anonymous")
expect("without a secret it is nobody's", refused["code"], "FPWSE0401E")
print("1 passed, 0 failed")
