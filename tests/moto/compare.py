"""Puts the same questions to the local AWS and to moto, and compares what they answer.

Usage: compare.py LOCAL_URL MOTO_URL
"""

import json
import re
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SERVICES = ("sns", "secretsmanager", "dynamodb")
CREDENTIALS = {"PlatformCredential": "key", "PlatformPrincipal": "id"}
TABLE = "conformance"
BROKEN = "Invalid parameter: Message Reason: Invalid notification for protocol GCM: "
NO_SECRET = "Secrets Manager can't find the specified secret"
TOKEN = "0123456789-0123456789-0123456789"


QUESTIONS = []


def same(question):
    """Both answer the same."""
    QUESTIONS.append((question, None, None))
    return question


def moto_differs(why, aws):
    """The local AWS answers as AWS does; moto does not, as long as the reason holds."""

    def add(question):
        QUESTIONS.append((question, why, aws))
        return question

    return add


class Cloud:
    """The clients of one endpoint, and what the questions remember."""

    def __init__(self, url):
        options = {
            "endpoint_url": url,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(retries={"total_max_attempts": 1}),
        }
        self.sns, self.secrets, self.dynamodb = (boto3.client(name, **options) for name in SERVICES)
        self.gcm, self.apns = (self.application(platform) for platform in ("GCM", "APNS"))
        self.endpoint = self.create("T")

    def application(self, platform):
        made = self.sns.create_platform_application(Name="conformance", Platform=platform, Attributes=CREDENTIALS)
        return made["PlatformApplicationArn"]

    def create(self, token, application=None, **more):
        application = application or self.gcm
        made = self.sns.create_platform_endpoint(PlatformApplicationArn=application, Token=token, **more)
        return made["EndpointArn"]

    def attributes(self, arn):
        return self.sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"]

    def enable(self, arn, value):
        self.sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": value})

    def publish(self, arn, message, **more):
        return self.sns.publish(TargetArn=arn, Message=message, **more)

    def json(self, arn, message, **more):
        return self.publish(arn, json.dumps(message), MessageStructure="json", **more)

    def secret(self, **more):
        return self.secrets.get_secret_value(SecretId=TABLE, **more)


def answered(error):
    """Status, code and text of a refusal."""
    response = error.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return [status, response["Error"]["Code"], response["Error"]["Message"]]


def answer(question, cloud):
    """What was answered, without what no two clouds have in common."""
    try:
        given = question(cloud)
    except ClientError as error:
        given = answered(error)
    if isinstance(given, dict):
        given = {name: value for name, value in given.items() if name != "ResponseMetadata"}
    return written(given)


def written(given):
    text = json.dumps(given, sort_keys=True, default=str)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    text = re.sub(r"(?<=:)\d{12}(?=:)", "<account>", text)
    return re.sub(rf"{TABLE}-\w{{6}}\b", f"{TABLE}-<random>", text)


# --- SNS ---


@same
def a_new_endpoint_is_enabled(cloud):
    return cloud.attributes(cloud.endpoint)


@same
def an_endpoint_with_other_user_data(cloud):
    return cloud.create("T", CustomUserData="alice")


@same
def an_endpoint_again_with_the_same_user_data(cloud):
    first = cloud.create("U", CustomUserData="alice", Attributes={"Enabled": "true"})
    return first == cloud.create("U", CustomUserData="alice", Attributes={"Enabled": "true"})


@same
def an_endpoint_again_without_attributes(cloud):
    return cloud.create("V") == cloud.create("V")


@moto_differs(
    "it counts a changed Enabled as another attribute; AWS gives the endpoint and leaves it disabled",
    aws=[True, "false"],
)
def a_disabled_endpoint_created_again(cloud):
    arn = cloud.create("W")
    cloud.enable(arn, "false")
    return [cloud.create("W") == arn, cloud.attributes(arn)["Enabled"]]


@same
def publishing_to_a_disabled_endpoint(cloud):
    arn = cloud.create("X")
    cloud.enable(arn, "false")
    return cloud.publish(arn, "m")


@same
def publishing_to_an_enabled_endpoint(cloud):
    return sorted(cloud.publish(cloud.endpoint, "m"))


@moto_differs(
    "it answers as if the endpoint's attributes were asked for",
    aws=[
        400,
        "InvalidParameter",
        "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
    ],
)
def publishing_where_no_endpoint_is(cloud):
    return cloud.publish(cloud.endpoint + "0", "m")


@moto_differs(
    "its text repeats what SDKs put before a text", aws=[400, "InvalidParameter", "Invalid parameter: Message too long"]
)
def publishing_more_than_a_call_takes(cloud):
    return cloud.publish(cloud.endpoint, "m" * 262145)


@same
def publishing_as_much_as_a_call_takes(cloud):
    return list(cloud.publish(cloud.endpoint, "m" * 262144))


@moto_differs(
    "it does not look into messages for endpoints",
    aws=[400, "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse"],
)
def publishing_what_is_no_json(cloud):
    return cloud.publish(cloud.endpoint, "{", MessageStructure="json")


@moto_differs(
    "it does not look into messages for endpoints",
    aws=[400, "InvalidParameter", "Invalid parameter: JSON must contain an entry for 'default' or 'GCM'."],
)
def publishing_nothing_for_the_platform(cloud):
    return cloud.json(cloud.endpoint, {"APNS": "{}"})


@moto_differs(
    "it does not look into messages for endpoints",
    aws=[400, "InvalidParameter", BROKEN + "Notification payload is malformed"],
)
def publishing_a_broken_payload(cloud):
    return cloud.json(cloud.endpoint, {"default": "d", "GCM": "{"})


@moto_differs(
    "it knows no limit of a platform",
    aws=[400, "InvalidParameter", BROKEN + "Notification data is larger than allowed limit"],
)
def publishing_a_payload_that_is_too_long(cloud):
    return cloud.json(cloud.endpoint, {"default": "d", "GCM": json.dumps({"data": {"alert": "x" * 4096}})})


@moto_differs("it takes any character; the text that AWS answers is not known", aws=[400, "ParameterValueInvalid"])
def publishing_an_attribute_with_a_surrogate(cloud):
    attribute = {"DataType": "String", "StringValue": "\U0001f600"}
    try:
        return cloud.publish(cloud.endpoint, "m", MessageAttributes={"any": attribute})
    except ClientError as error:
        return answered(error)[:2]


@same
def an_unknown_endpoint(cloud):
    return cloud.attributes(cloud.endpoint + "0")


@same
def changing_an_unknown_endpoint(cloud):
    return cloud.enable(cloud.endpoint + "0", "true")


@same
def deleting_an_endpoint_twice(cloud):
    arn = cloud.create("Y")
    return [cloud.sns.delete_endpoint(EndpointArn=arn).get("x") for _ in range(2)]


@same
def a_deleted_endpoint(cloud):
    arn = cloud.create("Z")
    cloud.sns.delete_endpoint(EndpointArn=arn)
    return cloud.attributes(arn)


@moto_differs("its ARNs are random; on AWS application and token decide", aws=True)
def the_arn_of_a_token_that_comes_back(cloud):
    arn = cloud.create("R")
    cloud.sns.delete_endpoint(EndpointArn=arn)
    return cloud.create("R") == arn


@same
def an_unknown_application(cloud):
    return cloud.create("T", application=cloud.gcm + "0")


@same
def the_attributes_of_an_unknown_application(cloud):
    return cloud.sns.get_platform_application_attributes(PlatformApplicationArn=cloud.gcm + "0")


@same
def the_endpoints_of_an_application(cloud):
    cloud.create("ab", application=cloud.apns)
    listed = cloud.sns.list_endpoints_by_platform_application(PlatformApplicationArn=cloud.apns)
    return listed["Endpoints"]


@moto_differs(
    "it takes any token",
    aws=[400, "InvalidParameter", "Invalid parameter: Token Reason: must be at most 8192 bytes long in UTF-8 encoding"],
)
def a_token_over_the_limit_of_fcm(cloud):
    return cloud.create("t" * 8193)


@moto_differs(
    "it takes any token",
    aws=[
        400,
        "InvalidParameter",
        "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 hexadecimal characters",
    ],
)
def a_token_that_apple_never_gave(cloud):
    return cloud.create("xyz", application=cloud.apns)


@moto_differs("it leaves out Enabled", aws={"Enabled": "true", "EventDeliveryFailure": "arn:topic"})
def the_attributes_of_an_application(cloud):
    cloud.sns.set_platform_application_attributes(
        PlatformApplicationArn=cloud.gcm, Attributes={"EventDeliveryFailure": "arn:topic"}
    )
    shown = cloud.sns.get_platform_application_attributes(PlatformApplicationArn=cloud.gcm)
    return shown["Attributes"]


# --- Secrets Manager, in this order ---


@same
def a_new_secret(cloud):
    made = cloud.secrets.create_secret(Name=TABLE, SecretString="first")
    return {name: made[name] for name in ("ARN", "Name", "VersionId")}


@same
def a_secret_that_exists(cloud):
    return cloud.secrets.create_secret(Name=TABLE, SecretString="again")


@moto_differs("its status is 404; AWS documents 400", aws=[400, "ResourceNotFoundException", NO_SECRET + "."])
def an_unknown_secret(cloud):
    return cloud.secrets.get_secret_value(SecretId="other")


@moto_differs(
    "its status is 404, and its text does not name the stage",
    aws=[400, "ResourceNotFoundException", NO_SECRET + " value for staging label: AWSPREVIOUS"],
)
def a_stage_that_no_version_has(cloud):
    return cloud.secret(VersionStage="AWSPREVIOUS")


@moto_differs(
    "its status is 404; AWS documents 400",
    aws=[400, "ResourceNotFoundException", NO_SECRET + " value for VersionId: <uuid>"],
)
def a_version_that_is_not_there(cloud):
    return cloud.secret(VersionId="00000000-0000-0000-0000-000000000000")


@same
def the_current_version(cloud):
    found = cloud.secret()
    return [found[name] for name in ("ARN", "Name", "SecretString", "VersionStages", "VersionId")]


@same
def a_secret_knows_when_it_was_made(cloud):
    return type(cloud.secret()["CreatedDate"]).__name__


@same
def a_second_version_makes_the_first_the_previous(cloud):
    cloud.secrets.put_secret_value(SecretId=TABLE, SecretString="second", ClientRequestToken=TOKEN)
    return [cloud.secret()["SecretString"], cloud.secret(VersionStage="AWSPREVIOUS")["SecretString"]]


@same
def the_stages_of_a_secret(cloud):
    shown = cloud.secrets.describe_secret(SecretId=TABLE)["VersionIdsToStages"]
    return sorted(shown.values())


@same
def moving_a_stage_without_saying_from_where(cloud):
    first = cloud.secret(VersionStage="AWSPREVIOUS")["VersionId"]
    return cloud.secrets.update_secret_version_stage(SecretId=TABLE, VersionStage="AWSCURRENT", MoveToVersionId=first)


@moto_differs("AWSCURRENT stays where it was and AWSPREVIOUS joins it", aws=["first", "second"])
def moving_the_current_stage_back(cloud):
    first = cloud.secret(VersionStage="AWSPREVIOUS")["VersionId"]
    cloud.secrets.update_secret_version_stage(
        SecretId=TABLE, VersionStage="AWSCURRENT", MoveToVersionId=first, RemoveFromVersionId=TOKEN
    )
    return [cloud.secret()["SecretString"], cloud.secret(VersionStage="AWSPREVIOUS")["SecretString"]]


@same
def a_random_password(cloud):
    made = cloud.secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)
    password = made["RandomPassword"]
    return [len(password), password.isalnum()]


# --- DynamoDB, in this order ---


def item(pk, **more):
    return {"pk": {"S": pk}, "sk": {"S": "S"}} | more


@same
def a_new_table(cloud):
    made = cloud.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    cloud.dynamodb.get_waiter("table_exists").wait(TableName=TABLE)
    return made["TableDescription"]["KeySchema"]


@same
def an_item_comes_back(cloud):
    cloud.dynamodb.put_item(TableName=TABLE, Item=item("P", v={"B": b"\x00\xff"}, n={"N": "1"}))
    return cloud.dynamodb.get_item(TableName=TABLE, Key=item("P"), ConsistentRead=True)["Item"]


@same
def a_condition_that_does_not_hold(cloud):
    return cloud.dynamodb.put_item(TableName=TABLE, Item=item("P"), ConditionExpression="attribute_not_exists(pk)")


@same
def a_transaction_whose_condition_does_not_hold(cloud):
    puts = [
        {"Put": {"TableName": TABLE, "Item": item(pk), "ConditionExpression": "attribute_not_exists(pk)"}}
        for pk in "QP"
    ]
    return cloud.dynamodb.transact_write_items(TransactItems=puts)


@same
def a_batch_of_keys(cloud):
    read = {TABLE: {"Keys": [item("P"), item("Q")], "ConsistentRead": True}}
    found = cloud.dynamodb.batch_get_item(RequestItems=read)
    return [len(found["Responses"][TABLE]), found["UnprocessedKeys"]]


@same
def a_query(cloud):
    found = cloud.dynamodb.query(
        TableName=TABLE,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "P"}},
    )
    return [found["Count"], found["Items"]]


@same
def an_unknown_table(cloud):
    return cloud.dynamodb.get_item(TableName="other", Key=item("P"), ConsistentRead=True)


@moto_differs("it counts a consistent read as half a unit", aws=1.0)
def consumed_capacity_that_was_asked_for(cloud):
    read = cloud.dynamodb.get_item(TableName=TABLE, Key=item("P"), ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    return read["ConsumedCapacity"]["CapacityUnits"]


@same
def consumed_capacity_that_was_not_asked_for(cloud):
    return list(cloud.dynamodb.get_item(TableName=TABLE, Key=item("P"), ConsistentRead=True))


def main(local, moto):
    with urllib.request.urlopen(f"{local}/_local/info") as info:
        ours = Cloud(json.load(info)["awsEndpointUrl"])
    theirs = Cloud(moto)
    wrong = 0
    for question, why, aws in QUESTIONS:
        name = question.__name__.replace("_", " ")
        local_answer, moto_answer = answer(question, ours), answer(question, theirs)
        expected = moto_answer if why is None else written(aws)
        if local_answer != expected:
            wrong += 1
            print(f"WRONG   {name}\n        local: {local_answer}\n        wanted: {expected}")
        elif why is None:
            print(f"same    {name}")
        elif moto_answer == expected:
            wrong += 1
            print(f"WRONG   {name}: moto agrees by now, so it can be asked to")
        else:
            print(f"differs {name}: {why}\n        moto: {moto_answer}")
    agreed = sum(why is None for _, why, _ in QUESTIONS)
    print(
        f"{len(QUESTIONS)} questions: {agreed} where moto is right, {len(QUESTIONS) - agreed} where it is not, {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
