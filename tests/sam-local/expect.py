"""Compares what came with what is wanted, as whole values. A pattern stands for a text that is made anew each time."""

import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
MESSAGE_ID = re.compile(r"[0-9A-Za-z]{8}")
REQUEST_ID = re.compile(r"[0-9A-Za-z-]{6,}")
USER_SECRET = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


def expect(what, got, wanted):
    """Says what holds, or ends the run with what came instead."""
    assert same(got, wanted), f"{what}: {got!r}, not {wanted!r}"
    print(f"ok: {what}", flush=True)


def same(got, wanted):
    if isinstance(wanted, re.Pattern):
        return isinstance(got, str) and wanted.fullmatch(got) is not None
    if isinstance(wanted, dict):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(same(got[key], wanted[key]) for key in got)
    if isinstance(wanted, list | tuple):
        return isinstance(got, type(wanted)) and len(got) == len(wanted) and all(map(same, got, wanted))
    return type(got) is type(wanted) and got == wanted


def refused(status, code, message):
    """An error in the contract's one shape."""
    return status, {"code": code, "message": message, "requestId": REQUEST_ID}


UNAUTHORIZED = refused(401, "FPWSE0401E", "Unauthorized. A secret is missing, wrong or expired.")
NOT_FOUND = refused(404, "FPWSE0001E", "Not Found. The resource does not exist, or is not yours.")
WEBHOOKS_OFF = refused(404, "FPWSE0001E", "Not Found. Webhooks are off. The parameter Webhooks=true turns them on.")
WRONG_METHOD = refused(405, "FPWSE0405E", "Method Not Allowed.")


def wrong(parameter):
    """A value that is missing or no good; the rest of the message says what it should be."""
    text = rf"Invalid value was provided\. Check the '{re.escape(parameter)}' parameter value\..*"
    return refused(400, "FPWSE0005E", re.compile(text))
