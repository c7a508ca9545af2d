"""The client of PyPI for backends, `cloud-push-client`: all that it offers. It raises an error for any status of 400 or more, and
else gives what the body says, or the status where there is none."""

import hashlib
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudpush.Client import Client
from requests import HTTPError
from shared import NOT_FOUND, Local, error, nid, phones, row, shown, status, wrong

NAME = "cloud-push-client"
KEY = "the key of the backend"
ANDROID, IPHONE = "fcm-token-of-the-android-phone-000001", "ab12" * 16


class Iam(BaseHTTPRequestHandler):
    """Where the client gets its token: hands out the app secret to whoever shows the key."""

    asked = []

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.asked.append(form["grant_type"][0].rpartition(":")[2])
        token = {
            "access_token": self.secret if form["apikey"] == [KEY] else "",
            "refresh_token": "r",
            "token_type": "Bearer",
            "expiration": time.time() + 3600,
            "ims_user_id": 1,
        }
        body = json.dumps(token).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def client(local):
    """One whose tokens come from a service of our own."""
    Iam.secret = local.info["appSecret"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Iam)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base, _, application = local.info["apiUrl"].rpartition("/")
    made = Client(KEY, application, local.info["clientSecret"], base_path=base)
    made._auth_base_url = f"http://127.0.0.1:{server.server_port}/identity/token"
    return made


class Rows:
    """Rows of one client: a call is Python, made with the client as `c`."""

    def __init__(self, local, where=""):
        self.local, self.client, self.where, self.last = local, client(local), where, None
        for token, name in ((ANDROID, "android"), (IPHONE, "iphone")):
            local.phone(name, token)
            local.names[hashlib.md5(token.encode()).hexdigest()] = f"<md5 of the token of {name}>"
            local.names[token] = f"<token of {name}>"

    def call(self, call, expected):
        """What the call gives; `last` in it is the message that was sent last."""
        try:
            names = {"c": self.client, "ANDROID": ANDROID, "IPHONE": IPHONE, "last": self.last}
            value = eval(f"c.{call}", names)
            got = self.local.named(shown(value))
        except HTTPError as failed:
            value = None
            got = f"raises {failed.response.status_code} {self.local.named(failed.response.text)}"
            # Nobody is to have what was refused.
            if strays := self.local.pushes():
                got += f", and reaches {phones(strays)}"
        row(NAME, f"{self.where}`{call}`", expected if isinstance(expected, str) else shown(expected), got)
        return value

    def send(self, call, message, who, **told):
        """What the call sends, and whom it reaches."""
        sent = self.call(call, {"message": message, "messageId": "<message id>", **told})
        self.last = sent["messageId"]
        pushes = self.local.pushes(self.last)
        row(NAME, "… reaches", who, phones(pushes))
        return [push for _, push in pushes]


def device(name, platform, id=None):
    id = id or f"<md5 of the token of {name}>"
    return {
        "deviceId": id,
        "userId": "anonymous",
        "token": f"<token of {name}>",
        "platform": platform,
        "createdMode": "API",
        "createdTime": "<time>",
        "lastUpdatedTime": "<time>",
        "href": f"…/devices/{id}",
    }


def devices(rows):
    android, iphone = device("android", "G"), device("iphone", "A", "iphone")
    rows.call("register_device(ANDROID, 'G')", android)
    rows.call("register_device(IPHONE, 'A', device_id='iphone')", iphone)
    rows.call("register_device(IPHONE, 'A', device_id='iphone')", iphone)
    rows.call("register_device('short', 'G')", "raises " + wrong("token"))
    rows.call("register_device(ANDROID, 'W')", "raises " + wrong("platform"))
    rows.call("get_device(token=ANDROID)", android)
    rows.call("get_device(device_id='iphone')", iphone)
    rows.call("get_device(device_id='nobodys')", f"raises {NOT_FOUND}")
    info = {"count": "2", "next": "", "previous": ""}
    both = {"devices": [iphone, android], "pageInfo": info}
    rows.call("get_devices()", both)
    rows.call("get_devices(offset=1, size=1, expand=True)", {"devices": [android], "pageInfo": {**info, "count": "1"}})
    rows.call("get_devices(size=0)", "raises " + wrong("size"))
    rows.call("get_device_stats(days=7)", f"raises {NOT_FOUND}")
    got = ", ".join(Iam.asked[:2])
    row(NAME, "its tokens: the key first, then the token to refresh", "apikey, refresh_token", got)
    rows.call("get_auth_header()", '"Bearer <app secret>"')


def topics(rows):
    tag = {
        "name": "news",
        "description": "What is new",
        "uri": "…/tags/news",
        "href": "…/tags/news",
        "createdMode": "API",
        "createdTime": "<time>",
        "lastUpdatedTime": "<time>",
    }
    rows.call("register_topic('news', 'What is new')", tag)
    rows.call("register_topic('news')", "raises " + error(409, "FPWSE0002E", "Conflict. There is a tag of this name."))
    own = lambda id: {
        "tagName": "news",
        "deviceId": id,
        "userId": "anonymous",
        "subscriptionId": "<subscription id>",
        "href": f"…/subscriptions?deviceId={id}&tagName=news",
    }
    rows.call("subscribe('news', device_id='iphone')", own("iphone"))
    rows.call("subscribe('news', device_id='iphone')", own("iphone"))
    rows.call("subscribe('news', token=ANDROID)", own("<md5 of the token of android>"))
    rows.call("subscribe('gossip', device_id='iphone')", f"raises {NOT_FOUND}")
    rows.call("get_subscriptions(device_id='iphone')", {"subscriptions": [own("iphone")]})
    info = {"count": "2", "next": "", "previous": ""}
    both = [own("<md5 of the token of android>"), own("iphone")]
    rows.call("get_subscriptions(topic='news')", {"pageInfo": info, "subscriptions": both})
    missing = error(400, "FPWSE0008E", "Bad Request. The query parameter 'deviceId' is missing.")
    rows.call("get_subscriptions()", f"raises {missing}")
    rows.send("send_message('Hello', topics=['news'])", message(target={"tagNames": ["news"]}), "android, iphone")
    rows.call("unsubscribe('news', device_id='iphone')", "204")
    none = error(404, "FPWSE0012E", "Not Found. The device does not subscribe to the tag.")
    rows.call("unsubscribe('news', device_id='iphone')", f"raises {none}")
    rows.send("send_message('Hello', topics=['news'])", message(target={"tagNames": ["news"]}), "android")
    rows.call("delete_topic('news')", "204")
    rows.call("delete_topic('news')", f"raises {NOT_FOUND}")
    rows.send("send_message('Hello', topics=['news'])", message(target={"tagNames": ["news"]}), "nobody")


def message(target, gcm=None, apns=None, **more):
    """What is kept of a message: the client names both platforms beside every target, and sets these."""
    return {
        "message": {"alert": "Hello", **more},
        "target": {"platform": ["A", "G"], **target},
        "settings": {
            "apns": {"badge": 1, "timeToLive": 3600, "type": "DEFAULT", **(apns or {})},
            "gcm": {"timeToLive": 3600, "type": "DEFAULT", **(gcm or {})},
        },
    }


def messages(rows):
    target = {"deviceIds": ["iphone"]}
    rows.send("send_message('Hello', device_ids=['iphone'])", message(target), "iphone", recipients={"iphone": 1})
    shown = {"messageId": "<message id>", "status": "Dispatched", "createdTime": "<time>"}
    rows.call("get_message(last)", {**message(target), **shown})
    rows.call("get_message_status(last)", status())
    rows.call("get_message_delivery_status(last, 'iphone')", f"raises {NOT_FOUND}")
    rows.call("get_push_stats(days=7)", f"raises {NOT_FOUND}")
    rows.send("send_message('Hello', platforms=['A'])", message({"platform": ["A"]}), "iphone")
    rows.send(
        "send_message('Hello', platforms=['G'], device_ids=['iphone'])",
        message({"platform": ["G"], **target}),
        "nobody",
        recipients={"iphone": 0},
    )
    rows.send("send_message('Hello', validate=False)", message({}), "android, iphone")
    everything = (
        "send_message('Hello', url='https://shop.example', payload='{\"parcel\":7}', badge=3, ttl=60, title='Shop', "
        "subtitle='Parcels')"
    )
    payload = '{"parcel":7}'
    pushes = rows.send(
        everything,
        message(
            {},
            url="https://shop.example",
            gcm={"timeToLive": 60, "payload": payload, "androidtitle": "Shop"},
            apns={"badge": 3, "timeToLive": 60, "payload": payload, "subtitle": "Shop", "title": "Shop"},
        ),
        "android, iphone",
    )
    fields(pushes)
    rows.call("send_message('Hello', type='MIXED')", "raises " + wrong("settings.gcm.type"))
    rows.call("send_message('Hello', type='SILENT')", "raises " + wrong("settings.apns.badge"))
    silent = {"type": "SILENT"}
    asked = message({}, gcm=silent, apns=silent)
    del asked["settings"]["apns"]["badge"]
    rows.send("send_message('Hello', type='SILENT', badge=0)", asked, "android, iphone")
    rows.call(
        "get_messages(offset=1)['messages'][0]",
        {"alert": "Hello", "createdTime": "<time>", "href": "…/messages/<message id>", "messageId": "<message id>"},
    )
    rows.call("get_message('nothing')", f"raises {NOT_FOUND}")


def fields(pushes):
    """What the phones show of a message with everything that the client can say."""
    android, iphone = pushes
    data = android["payload"]["fcmV1Message"]["message"]["data"]
    text = json.dumps({"nid": nid(android), "parcel": 7})
    expected = {
        "alert": "Hello",
        "androidTitle": "Shop",
        "has-template": "0",
        "payload": text,
        "type": "DEFAULT",
        "url": "https://shop.example",
    }
    row(NAME, "… as android's SDK reads it", opened(expected), opened(data))
    expected = {
        "aps": {"alert": {"body": "Hello", "subtitle": "Shop", "title": "Shop"}, "badge": 3},
        "has-template": 0,
        "payload": json.dumps({"nid": nid(iphone), "parcel": 7}),
        "url": "https://shop.example",
    }
    row(NAME, "… as the iPhone's SDK reads it", opened(expected), opened(iphone["payload"]))


def opened(data):
    """With the text that holds JSON as that."""
    payload = json.loads(data["payload"])
    return shown({**data, "payload": {**payload, "nid": "<message id>"}})


def ends(rows):
    rows.call("delete_device(device_id='iphone')", "204")
    rows.call("delete_device(device_id='iphone')", f"raises {NOT_FOUND}")
    rows.call("delete_device(token=ANDROID)", "204")
    rows.send("send_message('Hello')", message({}), "nobody")


def traps(rows):
    """Where a broadcast is not allowed: an empty list is the same to the client as none, and it names both platforms then, which
    is everybody."""
    rows.client.register_device(ANDROID, "G")
    rows.client.register_device(IPHONE, "A")
    rows.call("send_message('Hello')", "raises " + wrong("target"))
    rows.call("send_message('Hello', device_ids=[])", "raises " + wrong("target"))
    rows.call("send_message('Hello', topics=[])", "raises " + wrong("target"))
    rows.call("send_message('Hello', platforms=[])", "raises " + wrong("target.platform"))
    rows.call("send_message('Hello', platforms=[], device_ids=['iphone'])", "raises " + wrong("target.platform"))
    rows.call("send_message('Hello', platforms=None)", "raises " + wrong("target"))


def main(url, strict):
    rows = Rows(Local(url))
    devices(rows)
    topics(rows)
    messages(rows)
    ends(rows)
    traps(Rows(Local(strict), "where nobody may send to everybody: "))


main(*sys.argv[1:])
