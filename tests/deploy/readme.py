"""Deploys as the README says ("Deploy it"), command by command, and times it: from nothing to a push on a phone.

`readme.py LOCAL DIRECTORY`: LOCAL is the local system, which is SNS, the login service and the phone. The functions have been
built before, with little optimisation."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request

import boto3

STACK = "userpush-dev"
USER = "alice"
TOKEN = "fcm-token-of-the-first-phone-000001"
MOST = 6


def commands():
    """What a reader pastes: the commands of the section, without their blocks."""
    with open("README.md", encoding="utf-8") as file:
        section = re.search(r"^## Deploy it$(.*?)^## ", file.read(), re.M | re.S)[1]
    blocks = re.findall(r"^```sh$\n(.*?)^```$", section, re.M | re.S)
    return [line for block in blocks for line in re.sub(r"\\\n *", "", block).splitlines()]


def asked(url, body=None, headers=None):
    """What is answered, as JSON."""
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers or {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def main(local, directory):
    account = f"{directory}/service-account.json"
    with open(account, "w", encoding="utf-8") as key:
        json.dump({"type": "service_account", "project_id": "userpush"}, key)
    known = {
        "service-account.json": account,
        "https://login.example.com": f"{local}/_local/issuer",
        "my-app": "userpush",
        "REGION": os.environ["AWS_DEFAULT_REGION"],
        "ACCOUNT": "000000000000",
    }
    took = 0
    run = commands()
    for command in run:
        for name, value in known.items():
            command = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda _, value=value: value, command)
        begin = time.monotonic()
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begin
        took += seconds
        words = command.split()
        print(f"{seconds:6.1f} s  {' '.join(words[:3])}", flush=True)
        if done.returncode:
            sys.exit(f"{command}\n{done.stdout}{done.stderr}")
        if words[:2] == ["sam", "build"]:
            built = ".aws-sam/build/template.yaml"
            subprocess.run(
                [os.environ["SAM_PYTHON"], "tests/deploy/deployable.py", built, built],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        if words[:2] == ["sam", "deploy"]:
            subprocess.run([sys.executable, "tests/deploy/complete.py", STACK], check=True, stdout=subprocess.DEVNULL)
            [stack] = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
            given = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
            identity = given["ApiUrl"].split("//")[1].split(".")[0]
            api = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{identity}/$default"
            known |= {
                "FEEDBACK_TOPIC_ARN": given["FeedbackTopicArn"],
                "APP_SECRET_ARN": given["AppSecretArn"],
                "API_URL": api.replace("$", r"\$"),
                "APPLICATION_ID": given["ApplicationId"],
            }
            # Somebody signs in on a phone.
            prefix = f"{api}/imfpush/v1/apps/{given['ApplicationId']}"
            token = asked(f"{local}/_local/login", {"userId": USER})["token"]
            secret = asked(f"{prefix}/init", headers={"Authorization": f"Bearer {token}"})["clientSecret"]
            device = {"deviceId": "phone", "token": TOKEN, "platform": "G", "userId": USER}
            asked(f"{prefix}/devices", device, {"clientSecret": secret, "content-type": "application/json"})
            known["USER"] = USER
        if words[:2] == ["aws", "secretsmanager"]:
            # ministack's has characters that mean something to a shell; those of AWS have none.
            os.environ["APP_SECRET"] = done.stdout.strip()
            known["APP_SECRET"] = "$APP_SECRET"
    pushes = asked(f"{local}/_local/pushes?token={TOKEN}")["pushes"]
    if len(pushes) != 1:
        sys.exit(f"the phone received {pushes}, the last answer is {done.stdout}")
    if len(run) > MOST:
        sys.exit(f"{len(run)} commands are too many")
    print(f"{took:6.1f} s  from nothing to a push on a phone, by the {len(run)} commands of the README")


main(*sys.argv[1:])
