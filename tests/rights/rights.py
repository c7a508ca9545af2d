"""Which story fails when a function loses one of its rights? Writes a table of all rights to standard output.

`rights.py STACK API CONTROL LEFT_OUT [FUNCTION…]`: takes every action from the role of its function, one at a time and for
every resource that it is allowed for, until a story that passes otherwise fails, and gives it back."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid

import boto3

iam = boto3.client("iam")
functions = boto3.client("lambda")
secretsmanager = boto3.client("secretsmanager")
cloudformation = boto3.client("cloudformation")

# SNS is the local system's, which asks nobody for rights.
UNTRIED = "sns:"
# What no story misses that can be told to a deployed stack.
UNMISSED = {
    ("QueryFunction", "dynamodb:GetItem"): "*nothing: it only opens the connection before the first call*",
    (
        "UnregisterFunction",
        "dynamodb:ConditionCheckItem",
    ): "*nothing: an erased user's device has to change hands meanwhile*",
}
# What tests/deploy/complete.py adds, because ministack wants it beside the right that AWS wants.
COMES_WITH = {"sqs:SendMessageBatch": "sqs:SendMessage"}


def listed(value):
    return value if isinstance(value, list) else [value]


def last(name):
    """What a name, an ARN or a URL ends with, which is what it names."""
    return re.split("[:/]", name)[-1]


class Stories:
    """The stories, told to the stack."""

    def __init__(self, api, control, left_out):
        self.environment = {**os.environ, "USERPUSH_URL": api, "USERPUSH_CONTROL": control}
        with open(left_out, encoding="utf-8") as file:
            self.skips = [word for line in file for word in ("--skip", line.split()[0])]
        self.failed_before = {}

    def told(self, *which):
        """The first of them that fails; the others are not waited for."""
        command = ["cargo", "test", "--quiet", "--workspace", "--locked", "--test", "black_box", "--"]
        command += ["--test-threads", "4", "--format", "pretty", *self.skips, *which]
        with subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as telling:
            told = 0
            for line in telling.stdout:
                if line.startswith("test ") and line.endswith("FAILED\n"):
                    os.killpg(telling.pid, signal.SIGKILL)
                    return line.split()[1]
                told += line.endswith("... ok\n")
        if not told or telling.returncode:
            sys.exit(f"{' '.join(command)}: no story was told to its end")
        return None

    def first_failure(self, function):
        """What failed before for this function is tried first, then the short ones, then all."""
        before = [["--exact", story] for story in self.failed_before.get(function, [])]
        for which in [*before, ["mission"], []]:
            story = self.told(*which)
            # One that fails once may have failed for another reason.
            if story and self.told("--exact", story):
                stories = self.failed_before.setdefault(function, [])
                if story not in stories:
                    stories.append(story)
                return story
        return None


def rotated(secret, function):
    """Whether the function takes a secret through the four steps, as Secrets Manager asks for them."""
    token = str(uuid.uuid4())
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"]:
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": token}
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
        if "FunctionError" in answer:
            return False
    return "AWSCURRENT" in secretsmanager.describe_secret(SecretId=secret)["VersionIdsToStages"].get(token, [])


def without(document, action):
    """The policy without an action; nothing where it does not have it."""
    kept = []
    for statement in document["Statement"]:
        actions = [a for a in listed(statement["Action"]) if action not in (a, COMES_WITH.get(a))]
        if actions:
            kept.append({**statement, "Action": actions})
    return {**document, "Statement": kept} if kept else None


def main(stack, api, control, left_out, *only):
    described = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}
    by_name = {last(name): logical for logical, name in names.items()}

    def called(arn):
        """A resource as the template calls it; the ARN of a secret ends with more than its name."""
        known = (logical for name, logical in by_name.items() if last(arn).startswith(name))
        return next(known, f"`{arn.split(':', 5)[-1]}`")

    stories = Stories(api, control, left_out)
    if not rotated(names["AppSecret"], names["RotateFunction"]):
        sys.exit("with all rights a secret is not rotated")
    # Functions that run already know the new secret within a minute.
    end = time.monotonic() + 90
    while story := stories.told("mission"):
        if time.monotonic() > end:
            sys.exit(f"{story} fails with all rights")
    unneeded = 0
    print("| function | may | on | without it fails |\n|---|---|---|---|")
    for function in sorted(name for name in names if name.endswith("Function") and name in (only or names)):
        role = names[function + "Role"]
        policies = {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        resources = {}
        for document in policies.values():
            for statement in document["Statement"]:
                for action in set(listed(statement["Action"])) - set(COMES_WITH):
                    resources.setdefault(action, []).extend(listed(statement["Resource"]))
        for action, on in sorted(resources.items()):
            shown = ", ".join(sorted({called(arn) for arn in on}))
            if action.startswith(UNTRIED):
                print(f"| {function} | `{action}` | {shown} | *not tried: SNS is not the emulator's* |", flush=True)
                continue
            for name, document in policies.items():
                left = without(document, action)
                if left is None:
                    iam.delete_role_policy(RoleName=role, PolicyName=name)
                elif left != document:
                    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(left))
            # A function that runs already knows its secrets: with another environment, another one starts.
            usual = functions.get_function_configuration(FunctionName=names[function])["Environment"]["Variables"]
            changed = {"Variables": {**usual, "WITHOUT": action}}
            functions.update_function_configuration(FunctionName=names[function], Environment=changed)
            try:
                if function == "RotateFunction":
                    failed = None if rotated(names["AppSecret"], names[function]) else "rotation of a secret"
                else:
                    failed = stories.first_failure(function)
            finally:
                for name, document in policies.items():
                    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
                functions.update_function_configuration(FunctionName=names[function], Environment={"Variables": usual})
            missed = f"`{failed}`" if failed else UNMISSED.get((function, action))
            unneeded += missed is None
            print(f"| {function} | `{action}` | {shown} | {missed or '**nothing**'} |", flush=True)
    if unneeded:
        sys.exit(f"nothing fails without {unneeded} of the rights")


main(*sys.argv[1:])
