"""What becomes of a deployed stack: `rights` takes a function's rights away for as long as a command runs, `update` looks at
an update, `delete` deletes the stack and looks at what is left."""

import json
import subprocess
import sys

import boto3

cloudformation = boto3.client("cloudformation")


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


def delete(stack):
    """Nothing is left but the table, which is protected and holds what it held."""
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    table = resources(stack)["Table"]
    dynamodb = boto3.client("dynamodb")
    pages = dynamodb.get_paginator("scan")
    count = lambda: sum(page["Count"] for page in pages.paginate(TableName=table, Select="COUNT"))
    before = count()
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
    after = count()
    if not described["DeletionProtectionEnabled"] or after != before or not before:
        sys.exit(f"the table {table} had {before} items and has {after}; protected: {described['DeletionProtectionEnabled']}")
    try:
        dynamodb.delete_table(TableName=table)
    except dynamodb.exceptions.ClientError as refused:
        print(f"deleted: functions, secrets and queues are gone; the table is left with its {after} items and "
              f"cannot be deleted: {refused.response['Error']['Code']}")
    else:
        sys.exit(f"the table {table} is protected and could be deleted")


def main(command, *arguments):
    {"rights": rights, "update": update, "delete": delete}[command](*arguments)


main(*sys.argv[1:])
