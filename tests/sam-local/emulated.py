"""Every bootstrap under AWS's emulator of Lambda's runtime, with the events that AWS would make.

`emulated.py LOCAL TEMPLATE ENVIRONMENT`: the local system's URL, the built template, the variables for `sam local`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import samcli
from expect import TIME, UNAUTHORIZED, USER_SECRET, expect
from story import Story
from system import System
from template import Template

EMULATOR = Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64"
APPLICATION = "userpush"
# What deliver keeps to stop in time is part of it.
TIMEOUT = 120
# What some answers say beside their type.
HEADERS = {
    ("GET", "/init", 200): {"cache-control": "no-store"},
    ("PATCH", "/devices", 405): {"allow": "GET, POST"},
}


def free_port():
    with socket.socket() as socket_:
        socket_.bind(("127.0.0.1", 0))
        return socket_.getsockname()[1]


class Function:
    """A bootstrap, and the emulator that hands it one event at a time."""

    def __init__(self, name, bootstrap, variables, log):
        self.name, self.port = name, free_port()
        environment = {
            **variables,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT),
        }
        here, runtime = f"127.0.0.1:{self.port}", f"127.0.0.1:{free_port()}"
        command = [EMULATOR, "--runtime-interface-emulator-address", here, "--runtime-api-address", runtime, bootstrap]
        # A group of its own: the emulator starts the bootstrap.
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self.process.poll() is None, f"the emulator of {name} ended"
                time.sleep(0.05)
        raise AssertionError(f"the emulator of {name} does not listen")

    def invoke(self, event):
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        with urllib.request.urlopen(url, json.dumps(event).encode(), timeout=TIMEOUT + 10) as answer:
            return json.loads(answer.read())

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Emulated:
    """The API as API Gateway would hand it over: events of payload format 2.0."""

    def __init__(self, template, functions):
        self.template, self.functions = template, functions

    def invoke(self, function, event):
        return self.functions[function].invoke(event)

    def api(self, method, path, body, headers, claims=None):
        answer = self.answer(method, path, body, headers, claims)
        status, text = answer.get("statusCode"), answer.get("body")
        headers = {"content-type": "application/json"} if text else {}
        headers |= HEADERS.get((method, path, status), {})
        wanted = {"statusCode": status, "headers": headers, "multiValueHeaders": {}, "isBase64Encoded": False}
        # Without a body there is no key for it.
        wanted |= {"cookies": [], "body": text} if text else {"cookies": []}
        assert answer == wanted, f"{method} {path} is not answered as API Gateway wants it: {answer}"
        return status, json.loads(text) if text else None

    def answer(self, method, path, body, headers, claims):
        url = urlsplit(path)
        function, key, values = self.template.route(method, url.path)
        now = time.time()
        raw_path = unquote(f"/imfpush/v1/apps/{APPLICATION}{url.path}")
        domain = "abcdefghij.execute-api.us-east-1.amazonaws.com"
        context = {
            "accountId": "000000000000",
            "apiId": "abcdefghij",
            "domainName": domain,
            "domainPrefix": "abcdefghij",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        }
        if claims:
            context["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": raw_path,
            "rawQueryString": url.query,
            "headers": {
                "content-type": "application/json",
                "host": domain,
                "x-forwarded-for": "192.0.2.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
                **{name.lower(): value for name, value in headers.items()},
            },
            "requestContext": context,
            "isBase64Encoded": False,
        }
        if url.query:
            event["queryStringParameters"] = dict(parse_qsl(url.query, keep_blank_values=True))
        if key != "$default":
            event["pathParameters"] = {"applicationId": APPLICATION, **values}
        if body is not None:
            event["body"] = json.dumps(body)
        return self.invoke(function, event)

    def sign_in(self, user):
        """`init` for a user whom the authorizer has let in, and for nobody."""
        expect("init hands nobody a secret", self.api("GET", "/init", None, {}), UNAUTHORIZED)
        status, answer = self.api("GET", "/init", None, {}, {"sub": user})
        wanted = {
            "applicationId": APPLICATION,
            "userId": user,
            "clientSecret": USER_SECRET,
            "expiresAt": TIME,
            "senderId": "123456789012",
        }
        expect("init hands a signed-in user a secret", (status, answer), (200, wanted))
        return answer["clientSecret"]


def main():
    local, template, environment = System(sys.argv[1]), Template(sys.argv[2]), Path(sys.argv[3])
    variables = json.loads(environment.read_text())["Parameters"]
    variables["AWS_ENDPOINT_URL"] = local.info()["awsEndpointUrl"]
    functions = {}
    with open(environment.parent / "emulated.log", "w") as log:
        try:
            for name in template.functions():
                functions[name] = Function(name, template.bootstrap(name), variables, log)
            emulated = Emulated(template, functions)
            url = f"{variables['PUBLIC_URL']}/imfpush/v1/apps/{APPLICATION}"
            story = Story(local, "emulator", url, emulated.api, emulated.invoke, emulated.sign_in)
            story.tell()
            story.rotate(["createSecret", "setSecret", "testSecret", "finishSecret"])
        finally:
            for function in functions.values():
                function.end()


main()
