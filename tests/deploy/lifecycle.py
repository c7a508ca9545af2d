"""What becomes of a deployed stack, one step a command:

- `rights` takes a function's rights away for as long as a command runs
- `denied` asks in the name of every function for what it may not do
- `dead_letters` looks at where poisoned messages end
- `update` looks at an update
- `restore` makes a second table with what the first one holds, `restored` looks at a stack that uses it
- `delete` deletes the stack and looks at what is left
"""

import json
import subprocess
import sys
import time

import boto3
from botocore.exceptions import ClientError

cloudformation = boto3.client("cloudformation")
dynamodb = boto3.client("dynamodb")


def listed(value):
    """A value that may be a list or its only element, as a list."""
    return value if isinstance(value, list) else [value]


def resources(stack):
    """The name of each resource, by its logical name."""
    described = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}


def rights(stack, function, *command):
    """The command has to fail: it needs what the function may do."""
    iam = boto3.client("iam")
    role = resources(stack)[function + "Role"]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policies = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    for name in policies:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        for name, document in policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    if result.returncode == 0:
        sys.exit(f"without its {len(policies)} policies {function} does what it did with them: nothing enforces them")
    print(f"without its {len(policies)} policies {function} does nothing: they are enforced")


def attempts(own, foreign):
    """What functions might be tempted to do to the stack's resources, or to others: the right, and the call that needs it."""
    secret = {"SecretId": own["AppSecret"]}
    table = {"TableName": own["Table"]}
    key = {"pk": {"S": "USER#alice"}, "sk": {"S": "-"}}
    queue = {"QueueUrl": own["JobQueue"]}
    return [
        ("dynamodb:Scan", "dynamodb", "scan", table),
        (
            "dynamodb:Query",
            "dynamodb",
            "query",
            {**table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": key["pk"]}},
        ),
        ("dynamodb:UpdateItem", "dynamodb", "update_item", {**table, "Key": key}),
        ("dynamodb:DeleteItem", "dynamodb", "delete_item", {**table, "Key": key}),
        ("dynamodb:DeleteTable", "dynamodb", "delete_table", table),
        (None, "dynamodb", "get_item", {"TableName": foreign, "Key": key}),
        ("secretsmanager:GetSecretValue", "secretsmanager", "get_secret_value", secret),
        ("secretsmanager:PutSecretValue", "secretsmanager", "put_secret_value", {**secret, "SecretString": "mine"}),
        ("sqs:SendMessage", "sqs", "send_message", {**queue, "MessageBody": "{}"}),
        ("sqs:PurgeQueue", "sqs", "purge_queue", queue),
        ("lambda:InvokeFunction", "lambda", "invoke", {"FunctionName": own["RotateFunction"]}),
        ("iam:ListRoles", "iam", "list_roles", {}),
    ]


def denied(stack):
    """Whatever a role does not name is refused to it, by ministack as by AWS."""
    own = resources(stack)
    foreign = "somebody-elses"
    dynamodb.create_table(
        TableName=foreign,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    iam = boto3.client("iam")
    refused = 0
    for function in sorted(name for name in own if name.endswith("Function")):
        role = own[function + "Role"]
        statements = [
            statement
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
            for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
        ]
        allowed = {
            (action, str(statement["Resource"])) for statement in statements for action in listed(statement["Action"])
        }
        credentials = boto3.client("sts").assume_role(
            RoleArn=iam.get_role(RoleName=role)["Role"]["Arn"], RoleSessionName="denied"
        )["Credentials"]
        session = boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        for right, service, call, arguments in attempts(own, foreign):
            target = {"SecretId": "AppSecret", "TableName": "Table", "QueueUrl": "JobQueue"}
            named = [
                own[target[name]].split("/")[-1] for name in target if name in arguments and arguments[name] != foreign
            ]
            if any(action == right and all(name in on for name in named) for action, on in allowed):
                continue
            try:
                getattr(session.client(service), call)(**arguments)
            except ClientError as error:
                if "AccessDenied" not in error.response["Error"]["Code"]:
                    sys.exit(f"{function}, {call}: {error}")
                refused += 1
            else:
                sys.exit(f"{function} may {call} with {arguments}, and its role does not say so")
    dynamodb.delete_table(TableName=foreign)
    print(f"{refused} calls outside of the roles of the functions were denied")


REPORT = {
    "DeliveryAttempts": 1,
    "EndpointArn": "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/00000000-0000-0000-0000-000000000000",
    "EventType": "DeliveryFailure",
    "FailureType": "InvalidPlatformToken",
    "MessageId": "00000000-0000-0000-0000-000000000000",
    "Service": "SNS",
    "Time": "2020-01-01T00:00:00.000Z",
}


def dead_letters(stack):
    """A poisoned message ends in the dead-letter queue of its queue, and the others of its batch do not."""
    sqs = boto3.client("sqs")
    own = resources(stack)
    poison = json.dumps("nobody can do anything with this")
    # A report about an endpoint that nobody knows is done at once.
    batches = {
        "JobQueue": [poison],
        "NamedJobQueue": [poison],
        "FeedbackQueue": [json.dumps(REPORT), poison, json.dumps(REPORT)],
    }
    for queue, bodies in batches.items():
        url, dead = own[queue], own[queue.removeprefix("Named").replace("Queue", "DeadLetterQueue")]
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        # Five tries that are minutes apart are too many for a test.
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
        letters = []
        until = time.monotonic() + 120
        while not letters and time.monotonic() < until:
            letters = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        sqs.set_queue_attributes(QueueUrl=url, Attributes=held)
        bodies = [letter["Body"] for letter in letters]
        if bodies != [poison]:
            sys.exit(f"the dead letters of {queue} are {bodies}")
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=letters[0]["ReceiptHandle"])
        print(f"{queue}: of {len(entries)} messages the poisoned one is a dead letter, and no other")


def update(stack, variable, value):
    """Every function has the value, under the same name as before."""
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    if described["StackStatus"] != "UPDATE_COMPLETE":
        sys.exit(f"after the update the stack is {described['StackStatus']}")
    functions = [name for logical, name in resources(stack).items() if logical.endswith("Function")]
    lambdas = boto3.client("lambda")
    for function in functions:
        seen = lambdas.get_function_configuration(FunctionName=function)["Environment"]["Variables"][variable]
        if seen != value:
            sys.exit(f"after the update {function} has {variable}={seen}")
    print(f"updated: {variable}={value} in {len(functions)} functions")


def count(table):
    """How many items there are."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page in pages)


def restore(stack, table):
    """What point-in-time recovery makes, which ministack has not: a table of the same shape with the same items."""
    own = resources(stack)["Table"]
    described = dynamodb.describe_table(TableName=own)["Table"]
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        **{part: described[part] for part in ("KeySchema", "AttributeDefinitions")},
    )
    for page in dynamodb.get_paginator("scan").paginate(TableName=own):
        for item in page["Items"]:
            dynamodb.put_item(TableName=table, Item=item)
    print(f"restored: {count(table)} of {count(own)} items are in {table}")


def restored(stack, table, *command):
    """The command has to succeed, and writes to that table and no longer to the stack's own."""
    own = resources(stack)["Table"]
    before = count(own), count(table)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = count(own), count(table)
    if after[0] != before[0] or after[1] <= before[1]:
        sys.exit(f"the tables {own} and {table} had {before} items and have {after}")
    print(f"restored: {after[1] - before[1]} new items are in {table}, none in {own}")


def delete(stack):
    """Nothing is left but the table, which is protected and holds what it held."""
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    table = resources(stack)["Table"]
    before = count(table)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=described["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    left = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
    left += [secret["Name"] for secret in boto3.client("secretsmanager").list_secrets()["SecretList"]]
    left += boto3.client("sqs").list_queues().get("QueueUrls", [])
    if left:
        sys.exit(f"deleted, but these are left: {', '.join(left)}")
    described = dynamodb.describe_table(TableName=table)["Table"]
    after = count(table)
    if not described["DeletionProtectionEnabled"] or after != before or not before:
        sys.exit(
            f"the table {table} had {before} items and has {after}; protected: {described['DeletionProtectionEnabled']}"
        )
    try:
        dynamodb.delete_table(TableName=table)
    except ClientError as refused:
        print(
            f"deleted: functions, secrets and queues are gone; the table is left with its {after} items and "
            f"cannot be deleted: {refused.response['Error']['Code']}"
        )
    else:
        sys.exit(f"the table {table} is protected and could be deleted")


def main(command, *arguments):
    commands = [rights, denied, dead_letters, update, restore, restored, delete]
    {function.__name__: function for function in commands}[command](*arguments)


main(*sys.argv[1:])
