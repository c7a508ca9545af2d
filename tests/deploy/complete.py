"""Makes a stack that ministack deployed what AWS would have made of its template, and says what it adds and changes."""

import json
import re
import sys

import boto3

METHODS = {"get", "put", "post", "delete", "x-amazon-apigateway-any-method"}


def plain(value, parameters):
    """A value of the template in which nothing but parameters is referred to."""
    if not isinstance(value, dict):
        return value
    if list(value) != ["Ref"] or value["Ref"] not in parameters:
        sys.exit(f"{value}: not a parameter")
    return parameters[value["Ref"]]


def split(value, parameters):
    """The same for a list, which a parameter gives as one text."""
    value = plain(value, parameters)
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return [plain(item, parameters) for item in value]


def listed(value):
    """A value that may be a list or its only element, as a list."""
    return value if isinstance(value, list) else [value]


class Stack:
    """What is known of it: its template as SAM transformed it, its parameters and the names of its resources."""

    def __init__(self, name):
        cloudformation = boto3.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        self.parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
        template = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
        if isinstance(template, str):
            template = json.loads(template)
        self.resources = template["Resources"]
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        self.names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}

    def of_type(self, kind):
        """The name of each resource of a type, with its properties."""
        for resource, declared in self.resources.items():
            if declared["Type"] == kind:
                yield self.names[resource], declared["Properties"]


def complete_api(stack, api, body):
    """The authorizers, integrations, routes and CORS of an API."""
    gateway = boto3.client("apigatewayv2")
    functions = boto3.client("lambda")
    authorizers = {}
    for name, scheme in body["components"]["securitySchemes"].items():
        wanted = scheme["x-amazon-apigateway-authorizer"]
        jwt = wanted["jwtConfiguration"]
        authorizers[name] = gateway.create_authorizer(
            ApiId=api,
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=[wanted["identitySource"]],
            JwtConfiguration={
                "Issuer": plain(jwt["issuer"], stack.parameters),
                "Audience": split(jwt["audience"], stack.parameters),
            },
        )["AuthorizerId"]
    integrations = {}
    routes = 0
    for path, item in body["paths"].items():
        for method in METHODS & set(item):
            operation = item[method]
            integration = operation["x-amazon-apigateway-integration"]
            function = re.search(r"\$\{(\w+)\.Arn\}", integration["uri"]["Fn::Sub"])[1]
            if function not in integrations:
                arn = functions.get_function(FunctionName=stack.names[function])["Configuration"]["FunctionArn"]
                integrations[function] = gateway.create_integration(
                    ApiId=api,
                    IntegrationType=integration["type"].upper(),
                    IntegrationUri=arn,
                    IntegrationMethod=integration["httpMethod"],
                    PayloadFormatVersion=integration["payloadFormatVersion"],
                )["IntegrationId"]
            security = [name for scheme in operation.get("security", []) for name in scheme]
            sign_in = {"AuthorizationType": "JWT", "AuthorizerId": authorizers[security[0]]} if security else {}
            gateway.create_route(
                ApiId=api,
                RouteKey=path.lstrip("/") if path == "/$default" else f"{method.upper()} {path}",
                Target=f"integrations/{integrations[function]}",
                **sign_in,
            )
            routes += 1
    if not routes:
        sys.exit("the API of the template has no routes")
    cors = body["x-amazon-apigateway-cors"]
    gateway.update_api(
        ApiId=api,
        CorsConfiguration={
            "AllowOrigins": split(cors["allowOrigins"], stack.parameters),
            "AllowMethods": cors["allowMethods"],
            "AllowHeaders": cors["allowHeaders"],
            "ExposeHeaders": cors["exposeHeaders"],
            "MaxAge": cors["maxAge"],
        },
    )
    print(
        f"ministack left out of API {api}, added: {routes} routes to {len(integrations)} functions, CORS, "
        f"and the authorizers {', '.join(authorizers)}"
    )


def complete_table(table, properties):
    """The time to live of a table's items."""
    dynamodb = boto3.client("dynamodb")
    wanted = properties["TimeToLiveSpecification"]
    if dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"] != "ENABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)
        print(f"ministack left out of table {table}, added: items expire by {wanted['AttributeName']}")


def complete_roles(stack):
    """What a role may do is asked as on AWS: a secret is its ARN, which ministack's Ref does not give, and whoever may send
    a message to a queue may send several at once, for which ministack asks another right."""
    secretsmanager = boto3.client("secretsmanager")
    arns = {
        name: secretsmanager.describe_secret(SecretId=name)["ARN"]
        for name, _ in stack.of_type("AWS::SecretsManager::Secret")
    }
    iam = boto3.client("iam")
    secrets = batches = 0
    for role, _ in stack.of_type("AWS::IAM::Role"):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                named = listed(statement["Resource"])
                statement["Resource"] = [arns.get(resource, resource) for resource in named]
                secrets += statement["Resource"] != named
                if listed(statement["Action"]) == ["sqs:SendMessage"]:
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
                    batches += 1
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    print(f"ministack's Ref of a secret is its name, put its ARN instead: in {secrets} statements of roles")
    print(
        f"ministack asks for sqs:SendMessageBatch where AWS asks for sqs:SendMessage, added: in {batches} statements of roles"
    )


def complete_sources(stack):
    """How many of a queue's messages a function works on at once is a number. ministack leaves a parameter a text."""
    functions = boto3.client("lambda")
    for source, properties in stack.of_type("AWS::Lambda::EventSourceMapping"):
        at_once = int(plain(properties["ScalingConfig"]["MaximumConcurrency"], stack.parameters))
        functions.update_event_source_mapping(UUID=source, ScalingConfig={"MaximumConcurrency": at_once})
        print(
            f"ministack takes a number from a parameter for a text, put the number: at most {at_once} at once from {source}"
        )


def main(name, part="everything"):
    stack = Stack(name)
    complete_roles(stack)
    if part == "roles":
        return
    complete_sources(stack)
    for api, properties in stack.of_type("AWS::ApiGatewayV2::Api"):
        complete_api(stack, api, properties["Body"])
    for table, properties in stack.of_type("AWS::DynamoDB::Table"):
        complete_table(table, properties)


main(*sys.argv[1:])
