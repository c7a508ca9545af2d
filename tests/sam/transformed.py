"""A template as SAM transforms it, with values for its parameters: what CloudFormation would make of it, as far as sizes and
rules go. Nothing is asked of AWS."""

import copy
import json
import logging
import os
import re
import sre_parse

from samtranslator.translator.transform import transform

# The translator asks for a region.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
# It tells of metrics of its own that nobody collects here.
logging.disable(logging.CRITICAL)

NOTHING = object()
# As long as they may be, so that names and sizes are.
STACK = "s" + "t" * 127
REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
ID = "01234567-89ab-cdef-0123-456789abcdef"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": NOTHING,
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/{ID}",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
FUNCTION, SAM_FUNCTION = "AWS::Lambda::Function", "AWS::Serverless::Function"


class Policies:
    """The managed policies that SAM asks for by name."""

    def load(self):
        names = ["AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole"]
        arns = {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}
        return arns | {"AWSXRayDaemonWriteAccess": "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"}


def longest(parameter):
    """The longest value that a parameter takes; 4,096 bytes where nothing bounds it, as CloudFormation does."""
    if "AllowedValues" in parameter:
        return max((str(value) for value in parameter["AllowedValues"]), key=len)
    if parameter["Type"] == "Number":
        return str(parameter.get("MaxValue", 10**300))
    pattern = parameter.get("AllowedPattern")
    widths = [4096, int(parameter.get("MaxLength", 4096))]
    if pattern:
        widths.append(sre_parse.parse(pattern).getwidth()[1])
    return "x" * min(widths)


def listed(value):
    """A value that may be a list or its only element, as a list."""
    return value if isinstance(value, list) else [value]


class Transformed:
    """What a template makes with such parameters. `template` is SAM's, `resources` what comes of it, without what a condition
    leaves out."""

    def __init__(self, template, parameters):
        given = template["Parameters"]
        self.parameters = {name: parameters.get(name, one.get("Default", "")) for name, one in given.items()}
        local = copy.deepcopy(template)
        for resource in local["Resources"].values():
            if resource["Type"] == SAM_FUNCTION:
                # What is not uploaded yet: SAM reads nothing but the name of the place.
                resource["Properties"]["CodeUri"] = "s3://bucket/code"
        local.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
        self.template = template
        self.whole = transform(local, dict(self.parameters), Policies())
        self.conditions = self.whole.get("Conditions", {})
        self.resources = {}
        for name, resource in self.whole["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                properties = self.value(resource.get("Properties", {}))
                self.resources[name] = {**resource, "Properties": properties}

    def of(self, kind):
        """The properties of each resource of a type by its name."""
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def raw(self, kind):
        """The same, as they are written."""
        return {name: self.whole["Resources"][name]["Properties"] for name in self.of(kind)}

    def holds(self, condition):
        return self.value(self.conditions[condition]) is True

    def value(self, written):
        """What is meant, `NOTHING` where it is left out."""
        if isinstance(written, list):
            values = [self.value(item) for item in written]
            return [value for value in values if value is not NOTHING]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            [(name, argument)] = written.items()
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name == "Ref":
                return self.reference(argument)
            if name.startswith("Fn::"):
                return self.called(name, argument)
        values = {name: self.value(item) for name, item in written.items()}
        return {name: value for name, value in values.items() if value is not NOTHING}

    def reference(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            if self.template["Parameters"][name]["Type"] == "CommaDelimitedList":
                return [item.strip() for item in str(self.parameters[name]).split(",")]
            return str(self.parameters[name])
        properties = self.whole["Resources"][name].get("Properties", {})
        short = f"{STACK[:24]}-{name}-0123456789abc"
        match self.whole["Resources"][name]["Type"]:
            case "AWS::Logs::LogGroup":
                return self.value(properties["LogGroupName"])
            case "AWS::SQS::Queue":
                return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{short[-80:]}"
            case "AWS::SecretsManager::Secret":
                return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-0123456789ab-012345"
            case "AWS::SNS::Topic":
                return f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-{name}-0123456789abc"
            case "AWS::DynamoDB::Table":
                return f"{STACK}-{name}-0123456789abc"
            case "AWS::ApiGatewayV2::Api":
                return "0123456789"
            case "AWS::ApiGatewayV2::Stage":
                return properties["StageName"]
        return short[-64:]

    def called(self, name, argument):
        if name == "Fn::If":
            condition, yes, no = argument
            return self.value(yes if self.holds(condition) else no)
        if name == "Fn::Sub":
            text, names = argument if isinstance(argument, list) else (argument, {})
            named = lambda key: self.value(names[key]) if key in names else self.named(key)
            return re.sub(r"\$\{([^!}]+)\}", lambda found: str(named(found[1])), text)
        if name == "Fn::GetAtt":
            resource, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
            return self.named(f"{resource}.{attribute}")
        values = self.value(argument)
        match name:
            case "Fn::Equals":
                return str(values[0]) == str(values[1])
            case "Fn::Not":
                return not values[0]
            case "Fn::Or":
                return any(values)
            case "Fn::And":
                return all(values)
            case "Fn::Join":
                return values[0].join(values[1])
            case "Fn::Split":
                return values[1].split(values[0])
            case "Fn::Select":
                return values[1][int(values[0])]
        raise ValueError(f"{name} is not known here")

    def named(self, key):
        """What `${key}` gives."""
        if "." not in key:
            return self.reference(key)
        resource, attribute = key.split(".", 1)
        reference = self.reference(resource)
        if attribute == "Arn":
            service = self.whole["Resources"][resource]["Type"].split("::")[1].lower()
            return f"arn:aws-us-gov:{service}:{REGION}:{ACCOUNT}:{resource}/{reference.rsplit('/', 1)[-1]}"
        return reference.rsplit("/", 1)[-1]

    def statements(self):
        """Each statement of an inline policy: its role, what is meant, and as it is written."""
        for role, written in self.raw("AWS::IAM::Role").items():
            for policy in written.get("Policies", []):
                for one in policy["PolicyDocument"]["Statement"]:
                    meant = self.value(one)
                    if meant is not NOTHING:
                        yield role, meant

    def routes(self):
        """Each route key with the function behind it."""
        for api in self.raw("AWS::ApiGatewayV2::Api").values():
            for path, methods in api["Body"]["paths"].items():
                for method, operation in methods.items():
                    uri = json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
                    function = re.search(r"functions/\$\{(\w+?)\.Arn\}", uri)
                    key = "$default" if path.endswith("$default") else f"{method.upper()} {path}"
                    yield key, function and function[1], operation

    def behind_routes(self):
        """The functions that the API calls."""
        return {function for _, function, _ in self.routes() if function}

    def feeds(self):
        """Each queue by its logical name, with the function that it feeds and the source."""
        for name, source in self.raw("AWS::Lambda::EventSourceMapping").items():
            function = source["FunctionName"]["Ref"]
            yield source["EventSourceArn"]["Fn::GetAtt"][0], function, self.of("AWS::Lambda::EventSourceMapping")[name]
