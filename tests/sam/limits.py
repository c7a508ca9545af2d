"""The limits of AWS that neither CloudFormation's linter nor an emulator holds, one a row: `limits.py TEMPLATE [SAMCONFIG]`.

Each row is looked at on the template as SAM transforms it, with several sets of parameters. Each has a fixture, a change of
the template that breaks it: a row that its fixture does not make red is one that looks at nothing."""

import copy
import itertools
import json
import math
import re
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse
from transformed import FUNCTION, Transformed, listed, longest

ROOT = Path(__file__).resolve().parents[2]
DOCS = "https://docs.aws.amazon.com/"
ALARM, DASHBOARD = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"
QUEUE, GROUP, PERMISSION = "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Lambda::Permission"
DEVICE_ACTIONS = {"sns:GetEndpointAttributes", "sns:SetEndpointAttributes", "sns:DeleteEndpoint"}
NEEDED = {"IssuerUrl": "https://login.example.com", "Audience": "app"}
FCM = {"FcmApplicationArn": "arn:aws:sns:us-east-1:123456789012:app/GCM/userpush"}
APNS = {"ApnsApplicationArn": "arn:aws:sns:us-east-1:123456789012:app/APNS/userpush"}
DOMAIN = {
    "DomainName": "push.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0",
}


class Given:
    """What is looked at: a template with sets of parameters, the configuration of SAM, and sources of the functions."""

    def __init__(self, template, samconfig, source):
        self.template, self.samconfig, self.source = template, samconfig, source
        known = template["Parameters"]
        self.sets = {
            "defaults": {},
            "Android": FCM,
            "iOS": APNS,
            "domain": FCM | APNS | DOMAIN,
            "longest": {name: longest(one) for name, one in known.items() if one["Type"] != "CommaDelimitedList"},
        }
        switches = {"Webhooks": "true", "Tracing": "Active", "ReservedConcurrency": "100", "Monitoring": "false"}
        self.sets |= {f"{name}={value}": FCM | APNS | {name: value} for name, value in switches.items()}
        self.sets = {title: chosen for title, chosen in self.sets.items() if all(name in known for name in chosen)}
        self.made = {}

    def view(self, title):
        """The template with this set of parameters; nothing where it does not have them."""
        if title in self.sets and title not in self.made:
            self.made[title] = Transformed(self.template, NEEDED | self.sets[title])
        return self.made.get(title)

    @property
    def views(self):
        """Each set's title, and what it makes of the template."""
        return ((title, self.view(title)) for title in self.sets)

    @property
    def usual(self):
        return self.view("defaults")


ROWS = []


class Row:
    def __init__(self, name, limit, source, check, fixture):
        self.name, self.limit, self.source, self.check, self.fixture = name, limit, source, check, fixture

    def faults(self, given):
        return sorted(set(self.check(given)))


def row(name, limit, source, fixture):
    """A row: the function says what breaks the limit."""

    def add(check):
        ROWS.append(Row(name, limit, source if "://" in source else DOCS + source, check, fixture))
        return check

    return add


def most(name, limit, source, fixture, unit=""):
    """A row whose function measures: whatever is more than the limit breaks it."""

    def add(measure):
        def check(given):
            for what, number in measure(given):
                if number > limit:
                    yield f"{what}: {number:,}"

        text = f"<= {limit:,} {unit}".strip()
        ROWS.append(Row(name, text, source if "://" in source else DOCS + source, check, fixture))
        return measure

    return add


def each(given, kind):
    """Each resource of a type, in every set of parameters."""
    for _, view in given.views:
        yield from view.of(kind).items()


# What fixtures do.


def resource(given, name):
    return given.template["Resources"][name]["Properties"]


def first(given, kind):
    return next(one for one in given.template["Resources"].values() if one["Type"] == kind)["Properties"]


def parameter(given, name, **changed):
    given.template["Parameters"].setdefault(name, {"Type": "String"}).update(changed)


def math_alarm(given):
    found = (one["Properties"] for one in given.template["Resources"].values() if one["Type"] == ALARM)
    return next(alarm for alarm in found if "Metrics" in alarm)


def statement(given, function, action):
    """The statement of a function's policy that allows an action."""

    def among(value):
        if isinstance(value, dict):
            if action in listed(value.get("Action", [])):
                yield value
            for item in value.values():
                yield from among(item)
        elif isinstance(value, list):
            for item in value:
                yield from among(item)

    return next(among(resource(given, function)["Policies"]))


# CloudWatch


def metrics_of(alarm):
    return alarm.get("Metrics", [])


@most(
    "alarm-metrics",
    10,
    "AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    lambda given: math_alarm(given)["Metrics"].extend(
        {**math_alarm(given)["Metrics"][-1], "Id": f"m{n}"} for n in range(11)
    ),
    "metrics",
)
def _(given):
    for name, alarm in each(given, ALARM):
        yield name, sum("MetricStat" in metric for metric in metrics_of(alarm))


def search_in_alarm(given):
    math_alarm(given)["Metrics"][0]["Expression"] = "SUM(SEARCH('{AWS/Lambda,FunctionName} Errors', 'Sum', 300))"


@row(
    "alarm-search",
    "no SEARCH in an alarm",
    "AmazonCloudWatch/latest/monitoring/using-search-expressions.html",
    search_in_alarm,
)
def _(given):
    for name, alarm in each(given, ALARM):
        if any("SEARCH(" in metric.get("Expression", "") for metric in metrics_of(alarm)):
            yield name


def only_expressions(given):
    math_alarm(given)["Metrics"] = [{"Id": "a", "Expression": "TIME_SERIES(1)"}]


@row(
    "alarm-period",
    "a Period where an alarm has only expressions",
    "AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html",
    only_expressions,
)
def _(given):
    for name, alarm in each(given, ALARM):
        metrics = metrics_of(alarm)
        if metrics and not any("MetricStat" in one or "Period" in one for one in metrics):
            yield name


@row(
    "alarm-result",
    "one expression of an alarm returns data",
    "AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    lambda given: math_alarm(given)["Metrics"][-1].pop("ReturnData"),
)
def _(given):
    for name, alarm in each(given, ALARM):
        metrics = metrics_of(alarm)
        if metrics and sum(one.get("ReturnData", True) is not False for one in metrics) != 1:
            yield name


@most(
    "alarm-window",
    86_400,
    "AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    lambda given: first(given, ALARM).update(EvaluationPeriods=300),
    "s in all periods",
)
def _(given):
    for name, alarm in each(given, ALARM):
        stats = [one["MetricStat"] for one in metrics_of(alarm) if "MetricStat" in one] or [alarm]
        yield name, int(alarm["EvaluationPeriods"]) * max(int(one["Period"]) for one in stats)


@most(
    "alarm-text",
    1024,
    "AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    lambda given: first(given, ALARM).update(AlarmDescription="x" * 1025),
    "characters",
)
def _(given):
    for name, alarm in each(given, ALARM):
        yield name, len(alarm["AlarmDescription"])
        yield from ((f"{name}.{one['Id']}", len(one.get("Expression", ""))) for one in metrics_of(alarm))


@most(
    "alarm-actions",
    5,
    "AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
    lambda given: first(given, ALARM).update(AlarmActions=["arn"] * 6),
    "actions",
)
def _(given):
    for name, alarm in each(given, ALARM):
        yield name, max(len(alarm.get(key, [])) for key in ("AlarmActions", "OKActions"))


def widgets(given):
    for name, dashboard in each(given, DASHBOARD):
        yield name, json.loads(dashboard["DashboardBody"])["widgets"]


def many_in_dashboard(what):
    def fixture(given):
        metrics = '["A", "B"],' * 501
        widget = f'{{"widgets": [{{"type": "metric", "properties": {{"metrics": [{metrics}["A", "B"]]}}}},'
        body = first(given, DASHBOARD)["DashboardBody"]["Fn::Sub"]
        body[0] = body[0].replace('{"widgets": [', widget if what == "metrics" else '{"widgets": [' + "{}," * 500)

    return fixture


@most(
    "dashboard-widgets",
    500,
    "AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
    many_in_dashboard("widgets"),
    "widgets",
)
def _(given):
    for name, found in widgets(given):
        yield name, len(found)


@most(
    "dashboard-metrics",
    500,
    "AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
    many_in_dashboard("metrics"),
    "metrics in a widget",
)
def _(given):
    for name, found in widgets(given):
        for widget in found:
            yield name, len(widget.get("properties", {}).get("metrics", []))


def unfollowed_parameter(given):
    for one in given.template["Resources"].values():
        if one["Type"] in {ALARM, DASHBOARD}:
            one.pop("Condition", None)


@most(
    "dashboard-metrics-in-all",
    2500,
    "AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html",
    lambda given: [many_in_dashboard("metrics")(given) for _ in range(5)],
    "metrics in a dashboard",
)
def _(given):
    for name, dashboard in each(given, DASHBOARD):
        found = json.loads(dashboard["DashboardBody"])["widgets"]
        yield name, sum(len(widget.get("properties", {}).get("metrics", [])) for widget in found)


@row(
    "monitoring",
    "Monitoring=false leaves no alarm and no dashboard",
    "https://aws.amazon.com/cloudwatch/pricing/",
    unfollowed_parameter,
)
def _(given):
    view = given.view("Monitoring=false")
    if view is None:
        yield "there is no parameter Monitoring"
    else:
        yield from [*view.of(ALARM), *view.of(DASHBOARD)]


def only_role_of_errors(given):
    body = first(given, DASHBOARD)["DashboardBody"]["Fn::Sub"]
    body[0] = body[0].replace("RecursiveInvocationsDropped", "Errors")


@row(
    "recursion-seen",
    "the dashboard shows RecursiveInvocationsDropped",
    "lambda/latest/dg/invocation-recursion.html",
    only_role_of_errors,
)
def _(given):
    for name, dashboard in given.usual.of(DASHBOARD).items():
        if "RecursiveInvocationsDropped" not in dashboard["DashboardBody"]:
            yield name


REPORTED = ("InvalidNotification", "Throttled", "DependencyUnavailable", "UnexpectedFailure")


def blind_alarms(given):
    for alarm in (one["Properties"] for one in given.template["Resources"].values() if one["Type"] == ALARM):
        for stat in (metric["MetricStat"] for metric in metrics_of(alarm) if "MetricStat" in metric):
            stat["Metric"]["Dimensions"] = [one for one in stat["Metric"]["Dimensions"] if one["Value"] != "Throttled"]


@row(
    "reports-seen",
    "an alarm for each platform looks at each kind of report",
    "sns/latest/dg/application-event-notifications.html",
    blind_alarms,
)
def _(given):
    for kind, platform in itertools.product(REPORTED, "GA"):
        wanted = [{"Name": "Platform", "Value": platform}, {"Name": "Outcome", "Value": kind}]
        alarms = [json.dumps(one) for one in given.usual.of(ALARM).values()]
        if not any(all(json.dumps(dimension) in alarm for dimension in wanted) for alarm in alarms):
            yield f"{kind} on platform {platform}"


# CloudFormation

CFN = "AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"


def many(section, count, made):
    def fixture(given):
        given.template.setdefault(section, {}).update({f"X{n}": made for n in range(count)})

    return fixture


def whole(section):
    def measure(given):
        yield section, len(given.usual.whole.get(section, {}))

    return measure


TOPIC = {"Type": "AWS::SNS::Topic"}
most("resources", 500, CFN, many("Resources", 500, TOPIC))(whole("Resources"))
most("parameters", 200, CFN, many("Parameters", 200, {"Type": "String", "Default": ""}))(whole("Parameters"))
most("outputs", 200, CFN, many("Outputs", 200, {"Value": "x"}))(whole("Outputs"))


@most(
    "template-size",
    1_000_000,
    CFN,
    many("Resources", 5, TOPIC | {"Metadata": {"x": "x" * 300_000}}),
    "bytes",
)
def _(given):
    yield "template", len(json.dumps(given.template))
    yield "transformed", len(json.dumps(given.usual.whole))


@most(
    "parameter-text",
    4000,
    "AWSCloudFormation/latest/UserGuide/parameters-section-structure.html",
    lambda given: parameter(given, "IssuerUrl", Description="x" * 4001),
    "characters of a description",
)
def _(given):
    for name, one in given.template["Parameters"].items():
        yield name, len(one.get("Description", ""))


@row(
    "samconfig-parameters",
    "no parameter_overrides that the command line would replace",
    "serverless-application-model/latest/developerguide/serverless-sam-cli-config.html",
    lambda given: setattr(given, "samconfig", given.samconfig + '\nparameter_overrides = ["A=b"]\n'),
)
def _(given):
    yield from re.findall(r"^parameter_overrides.*", given.samconfig, re.MULTILINE)


# Lambda

LAMBDA = "lambda/latest/dg/gettingstarted-limits.html"


@most(
    "environment",
    4096,
    LAMBDA,
    lambda given: parameter(given, "UserIdClaim", MaxLength=4000),
    "bytes, with the longest parameters",
)
def _(given):
    for name, function in each(given, FUNCTION):
        variables = function["Environment"]["Variables"]
        yield name, sum(len(key) + len(str(value)) for key, value in variables.items())


@most("function-timeout", 900, LAMBDA, lambda given: resource(given, "DeliverFunction").update(Timeout=901), "s")
def _(given):
    for name, function in each(given, FUNCTION):
        yield name, int(function["Timeout"])


@most(
    "http-timeout",
    25,
    "apigateway/latest/developerguide/http-api-quotas.html",
    lambda given: resource(given, "SendFunction").update(Timeout=29),
    "s behind the gateway, which waits 30 s, a cold start included",
)
def _(given):
    for function in given.usual.behind_routes():
        yield function, int(given.usual.of(FUNCTION)[function]["Timeout"])


@row(
    "reserved-alike",
    "ReservedConcurrentExecutions on every function with a route, and on no other",
    "lambda/latest/dg/configuration-concurrency.html",
    lambda given: resource(given, "TagsFunction").pop("ReservedConcurrentExecutions"),
)
def _(given):
    view = given.view("ReservedConcurrency=100")
    for name, function in view.of(FUNCTION).items():
        if ("ReservedConcurrentExecutions" in function) != (name in view.behind_routes()):
            yield name


@row(
    "recursion",
    "RecursiveLoop is said of a function that sends to a queue that feeds it",
    "lambda/latest/dg/invocation-recursion.html",
    lambda given: resource(given, "DeliverFunction").pop("RecursiveLoop"),
)
def _(given):
    view = given.usual
    for queue, function, _ in view.feeds():
        arn = view.named(f"{queue}.Arn")
        for role, one in view.statements():
            sends = "sqs:SendMessage" in listed(one["Action"]) and arn in listed(one["Resource"])
            if role == f"{function}Role" and sends and "RecursiveLoop" not in view.of(FUNCTION)[function]:
                yield function


@row(
    "recursion-deliver",
    "DeliverFunction may continue its jobs more than 16 times",
    "lambda/latest/dg/invocation-recursion.html",
    lambda given: resource(given, "DeliverFunction").update(RecursiveLoop="Terminate"),
)
def _(given):
    if given.usual.of(FUNCTION)["DeliverFunction"].get("RecursiveLoop") != "Allow":
        yield "DeliverFunction"


@row(
    "permission-source",
    "a service may call a function for one source only",
    "lambda/latest/dg/permissions-function-services.html",
    lambda given: resource(given, "RotatePermissionAppSecret").pop("SourceArn"),
)
def _(given):
    for name, permission in each(given, PERMISSION):
        if permission["Principal"].endswith(".amazonaws.com") and "SourceArn" not in permission:
            yield name


def chosen_architecture(given):
    parameter(given, "Architecture", Default="x86_64", AllowedValues=["x86_64", "arm64"])
    given.template["Globals"]["Function"]["Architectures"] = [{"Ref": "Architecture"}]


@row(
    "architecture",
    "one literal for all functions: `sam build` knows no parameters of the deployment",
    "serverless-application-model/latest/developerguide/building-rust.html",
    chosen_architecture,
)
def _(given):
    found = {json.dumps(one.get("Architectures")) for one in given.usual.raw(FUNCTION).values()}
    if found not in ({'["x86_64"]'}, {'["arm64"]'}):
        yield ", ".join(found)


@row(
    "versions",
    "no AutoPublishAlias: a version is published for new code only, and a parameter would not reach it",
    "serverless-application-model/latest/developerguide/sam-resource-function.html",
    lambda given: given.template["Globals"]["Function"].update(AutoPublishAlias="live"),
)
def _(given):
    for kind in ("AWS::Lambda::Version", "AWS::Lambda::Alias"):
        yield from given.usual.of(kind)


def texts_with_level(given):
    given.template["Globals"]["Function"]["LoggingConfig"] = {"LogFormat": "Text", "SystemLogLevel": "WARN"}


@row(
    "log-level",
    "SystemLogLevel with LogFormat JSON only",
    "lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html",
    texts_with_level,
)
def _(given):
    for name, function in each(given, FUNCTION):
        logging = function["LoggingConfig"]
        levels = {"SystemLogLevel", "ApplicationLogLevel"} & set(logging)
        if levels and logging.get("LogFormat") != "JSON":
            yield name


@row(
    "log-volume",
    "Lambda's own log at WARN by default",
    "https://aws.amazon.com/cloudwatch/pricing/",
    lambda given: given.template["Globals"]["Function"]["LoggingConfig"].pop("SystemLogLevel"),
)
def _(given):
    for name, function in given.usual.of(FUNCTION).items():
        if function["LoggingConfig"].get("SystemLogLevel") != "WARN":
            yield name


def traced_anyway(given):
    given.template["Globals"]["Function"]["Tracing"] = "PassThrough"


@row(
    "tracing",
    "the right to write to X-Ray only with Tracing=Active",
    "serverless-application-model/latest/developerguide/sam-resource-function.html",
    traced_anyway,
)
def _(given):
    for title, view in given.views:
        if view.parameters["Tracing"] != "Active":
            for name, role in view.of("AWS::IAM::Role").items():
                if "xray" in json.dumps(role.get("ManagedPolicyArns")).lower():
                    yield f"{name} ({title})"


# API Gateway

GATEWAY = "apigateway/latest/developerguide/http-api-quotas.html"


def many_routes(given):
    events = resource(given, "QueryFunction")["Events"]
    model = events["Devices"]["Properties"]
    events |= {f"X{n}": {"Type": "HttpApi", "Properties": model | {"Path": f"{model['Path']}/{n}"}} for n in range(300)}


@most("routes", 300, GATEWAY, many_routes)
def _(given):
    yield "Api", len(list(given.usual.routes()))


def many_authorizers(given):
    authorizers = resource(given, "Api")["Auth"]["Authorizers"]
    authorizers |= {f"X{n}": authorizers["SignIn"] for n in range(10)}


@most("authorizers", 10, GATEWAY, many_authorizers)
def _(given):
    for api in given.usual.of("AWS::ApiGatewayV2::Api").values():
        yield "Api", len(api["Body"]["components"]["securitySchemes"])


@row(
    "fail-on-warnings",
    "a route that cannot be made fails the deployment, unless a parameter says otherwise",
    "apigateway/latest/developerguide/http-api-open-api.html",
    lambda given: resource(given, "Api").pop("FailOnWarnings"),
)
def _(given):
    known = given.template["Parameters"]
    for name, api in given.usual.of("AWS::ApiGatewayV2::Api").items():
        if str(api.get("FailOnWarnings")).lower() != "true":
            yield name
        elif "FailOnWarnings" not in known:
            yield f"{name}: there is no switch for a warning that is harmless"


@row(
    "server-url",
    "a server of the routes has a URL: API Gateway may warn of one that has none",
    "apigateway/latest/developerguide/http-api-open-api.html",
    lambda given: resource(given, "Api")["DefinitionBody"].update(servers=[{}]),
)
def _(given):
    for api in (one for _, view in given.views for one in view.of("AWS::ApiGatewayV2::Api").values()):
        if any("url" not in server for server in api["Body"].get("servers", [])):
            yield "Api"


@row(
    "domain",
    "with DomainName: its root serves the API, the URL of API Gateway is closed, answers name the domain",
    "apigateway/latest/developerguide/http-api-custom-domain-names.html",
    lambda given: resource(given, "DomainMapping").update(ApiMappingKey="v1"),
)
def _(given):
    view = given.view("domain")
    if view is None:
        yield "there is no parameter DomainName"
        return
    mappings = list(view.of("AWS::ApiGatewayV2::ApiMapping").values())
    if [one.get("ApiMappingKey") for one in mappings] != [None]:
        yield "the mapping is not at the root"
    [api] = view.of("AWS::ApiGatewayV2::Api").values()
    closed = {"disableExecuteApiEndpoint": True}
    if not any(one.get("x-amazon-apigateway-endpoint-configuration") == closed for one in api["Body"]["servers"]):
        yield "the URL of API Gateway is open"
    for function in view.of(FUNCTION).values():
        if function["Environment"]["Variables"]["PUBLIC_URL"] != "https://push.example.com":
            yield "PUBLIC_URL is another"
    if given.usual.of("AWS::ApiGatewayV2::DomainName"):
        yield "there is a domain without DomainName"


@row(
    "route-settings",
    "settings of the stage name routes that exist",
    "apigateway/latest/developerguide/http-api-throttling.html",
    lambda given: resource(given, "Api")["RouteSettings"].update({"GET /none": {}}),
)
def _(given):
    keys = {key for key, _, _ in given.usual.routes()}
    for stage in given.usual.of("AWS::ApiGatewayV2::Stage").values():
        yield from set(stage.get("RouteSettings", {})) - keys


@most(
    "throttle",
    100,
    "apigateway/latest/developerguide/http-api-throttling.html",
    lambda given: parameter(given, "RequestsPerSecond", Default=1000),
    "requests a second on routes of backends, /tags and $default",
)
def _(given):
    for stage in given.usual.of("AWS::ApiGatewayV2::Stage").values():
        yield "$default", int(stage["DefaultRouteSettings"]["ThrottlingRateLimit"])


@row(
    "retry-after",
    "web pages may read retry-after",
    "apigateway/latest/developerguide/http-api-cors.html",
    lambda given: resource(given, "Api")["CorsConfiguration"].pop("ExposeHeaders"),
)
def _(given):
    for name, api in given.usual.of("AWS::ApiGatewayV2::Api").items():
        if "retry-after" not in api["Body"]["x-amazon-apigateway-cors"].get("exposeHeaders", []):
            yield name


# IAM


@most(
    "role-policy",
    10_240,
    "IAM/latest/UserGuide/reference_iam-quotas.html",
    lambda given: statement(given, "SendFunction", "sns:Publish").update(Sid="x" * 9000),
    "characters of a role's inline policies, without white space",
)
def _(given):
    for name, role in each(given, "AWS::IAM::Role"):
        documents = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
        yield name, sum(len(re.sub(r"\s", "", json.dumps(document))) for document in documents)


@row(
    "leading-keys",
    "Null beside ForAllValues, which holds where the key is missing",
    "IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
    lambda given: statement(given, "QueryFunction", "dynamodb:Query")["Condition"].pop("Null"),
)
def _(given):
    for _, view in given.views:
        for role, one in view.statements():
            condition = one.get("Condition", {})
            keys = {key for operator, held in condition.items() if operator.startswith("ForAllValues") for key in held}
            if any(condition.get("Null", {}).get(key) != "false" for key in keys):
                yield f"{role}: {', '.join(listed(one['Action']))}"


@row(
    "endpoint-rights",
    "actions on endpoints name the application and its endpoints",
    "service-authorization/latest/reference/list_amazonsns.html",
    lambda given: statement(given, "FeedbackFunction", "sns:GetEndpointAttributes")["Resource"].pop(0),
)
def _(given):
    for title, view in given.views:
        if title == "longest":
            continue
        for role, one in view.statements():
            if DEVICE_ACTIONS & set(listed(one["Action"])):
                named = set(listed(one["Resource"]))
                applications = {arn for arn in (FCM | APNS).values() if arn in view.parameters.values()}
                wanted = applications | {arn.replace(":app/", ":endpoint/") + "/*" for arn in applications}
                if named != wanted:
                    yield f"{role} ({title})"


@row(
    "resources-of-rights",
    "a statement names something",
    "IAM/latest/UserGuide/reference_policies_elements_resource.html",
    lambda given: statement(given, "RotateFunction", "secretsmanager:PutSecretValue").update(Resource=[]),
)
def _(given):
    for title, view in given.views:
        for role, one in view.statements():
            if not listed(one["Resource"]) or not listed(one["Action"]):
                yield f"{role} ({title})"


# SQS

SQS = "AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"


def concurrency(given, limit):
    """A source's number, or both ends of the parameter that it is."""
    written = given.usual.raw("AWS::Lambda::EventSourceMapping")
    for name, source in written.items():
        value = source["ScalingConfig"]["MaximumConcurrency"]
        if isinstance(value, dict):
            value = given.template["Parameters"][value["Ref"]][limit]
        yield name, int(value)


@row(
    "source-concurrency",
    "MaximumConcurrency is 2 to 1,000",
    "lambda/latest/dg/services-sqs-scaling.html",
    lambda given: parameter(given, "DeliverConcurrency", MinValue=1),
)
def _(given):
    for name, least in concurrency(given, "MinValue"):
        if least < 2:
            yield f"{name}: {least}"
    for name, greatest in concurrency(given, "MaxValue"):
        if greatest > 1000:
            yield f"{name}: {greatest}"


@row(
    "visibility",
    "six times the time-out of the function, at least",
    "lambda/latest/dg/services-sqs-configure.html",
    lambda given: resource(given, "JobQueue").update(VisibilityTimeout=719),
)
def _(given):
    view = given.usual
    for queue, function, _ in view.feeds():
        if int(view.of(QUEUE)[queue]["VisibilityTimeout"]) < 6 * int(view.of(FUNCTION)[function]["Timeout"]):
            yield queue


@most(
    "batch",
    10,
    SQS,
    lambda given: resource(given, "FeedbackFunction")["Events"]["Reports"]["Properties"].update(BatchSize=11),
)
def _(given):
    for _, function, source in given.usual.feeds():
        yield function, int(source["BatchSize"])


@most(
    "retention", 1_209_600, SQS, lambda given: resource(given, "JobQueue").update(MessageRetentionPeriod=1_209_601), "s"
)
def _(given):
    for name, queue in each(given, QUEUE):
        yield name, int(queue["MessageRetentionPeriod"])


@row(
    "dead-letters",
    "a dead-letter queue keeps messages at least as long as its source",
    "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    lambda given: resource(given, "JobDeadLetterQueue").update(MessageRetentionPeriod=60),
)
def _(given):
    for name, queue in given.usual.raw(QUEUE).items():
        if "RedrivePolicy" in queue:
            dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            kept = given.usual.of(QUEUE)
            if int(kept[dead]["MessageRetentionPeriod"]) < int(kept[name]["MessageRetentionPeriod"]):
                yield dead


# Logs


@row(
    "log-names",
    "a log group has at most 512 of A-Z a-z 0-9 . - _ / #",
    "AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
    lambda given: resource(given, "Logs").update(LogGroupName={"Fn::Sub": "/userpush/${AWS::StackName}:functions"}),
)
def _(given):
    for name, group in each(given, GROUP):
        if not re.fullmatch(r"[A-Za-z0-9._/#-]{1,512}", group["LogGroupName"]):
            yield name


def access_logs(view):
    groups = view.raw(GROUP)
    for stage in view.raw("AWS::ApiGatewayV2::Stage").values():
        yield stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]
    if not groups:
        raise ValueError("there is no log group")


@row(
    "vended-logs",
    "the access log is under /aws/vendedlogs/, else the policy of deliveries grows too long",
    "AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html",
    lambda given: resource(given, "AccessLogs").update(LogGroupName="/userpush/access"),
)
def _(given):
    for name in access_logs(given.usual):
        if not given.usual.of(GROUP)[name]["LogGroupName"].startswith("/aws/vendedlogs/"):
            yield name


def rare_functions(given):
    resource(given, "Logs").update(LogGroupClass="INFREQUENT_ACCESS")


@row(
    "log-class",
    "access logs in INFREQUENT_ACCESS; not those of functions, of which metrics are made",
    "AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html",
    rare_functions,
)
def _(given):
    view = given.usual
    classes = {name: group.get("LogGroupClass", "STANDARD") for name, group in view.of(GROUP).items()}
    yield from (name for name in access_logs(view) if classes[name] != "INFREQUENT_ACCESS")
    functions = {one["LoggingConfig"]["LogGroup"]["Ref"] for one in view.raw(FUNCTION).values()}
    yield from (name for name in functions if classes[name] != "STANDARD")


# DynamoDB and the rest


@row(
    "table-key",
    "no SSEEnabled: the key of the account is billed, that of DynamoDB is not",
    "amazondynamodb/latest/developerguide/encryption.usagenotes.html",
    lambda given: resource(given, "Table").update(SSESpecification={"SSEEnabled": True}),
)
def _(given):
    for name, table in given.usual.of("AWS::DynamoDB::Table").items():
        if table.get("SSESpecification", {}).get("SSEEnabled"):
            yield name


@most(
    "secret-text",
    2048,
    "secretsmanager/latest/apireference/API_CreateSecret.html",
    lambda given: resource(given, "AppSecret").update(Description="x" * 2049),
    "characters",
)
def _(given):
    for name, secret in each(given, "AWS::SecretsManager::Secret"):
        yield name, len(secret["Description"])


@most(
    "api-name",
    128,
    "apigatewayv2/latest/api-reference/apis.html",
    lambda given: resource(given, "Api").update(Name={"Fn::Sub": "${AWS::StackName}-api"}),
    "characters, with the longest stack name",
)
def _(given):
    for _, view in given.views:
        for api in view.raw("AWS::ApiGatewayV2::Api").values():
            yield "Api", len(str(view.value(api.get("Name", api["Body"]["info"]["title"]))))


@row(
    "made-names",
    "CloudFormation makes the other names: unique, and short enough with the longest stack name",
    "AWSCloudFormation/latest/UserGuide/aws-properties-name.html",
    lambda given: resource(given, "JobQueue").update(QueueName={"Fn::Sub": "${AWS::StackName}-jobs"}),
)
def _(given):
    gateway = {f"AWS::ApiGatewayV2::{kind}" for kind in ("Api", "Stage", "DomainName", "ApiMapping")}
    for _, view in given.views:
        for name, one in view.whole["Resources"].items():
            kind = one["Type"]
            own = {f"{kind.split('::')[-1]}Name", "Name"} & set(one.get("Properties", {}))
            if own and kind not in gateway | {GROUP}:
                yield name


# What the code sends. A constant that is not found is red too: its row would look at nothing.

DYNAMODB = "amazondynamodb/latest/developerguide/Constraints.html"
CODE = [
    ("batch-get", "functions/aws/src/store/devices.rs", "PAGE: usize", 1, 100, DYNAMODB, "items"),
    ("transaction-tags", "functions/push/src/subscription.rs", "MOST: usize", 2, 99, DYNAMODB, "of 100 items for tags"),
    ("item-bytes", "functions/push/src/message/mod.rs", "LARGEST_KEPT: usize", 1, 409_600, DYNAMODB, "bytes"),
    ("sqs-message", "functions/aws/src/jobs/part.rs", "LARGEST: usize", 1, 262_144, SQS, "bytes"),
    ("sqs-batch", "functions/aws/src/queue.rs", "BATCH: (usize, usize)", 1, 10, SQS, "messages"),
    (
        "sns-message",
        "functions/push/src/message/mod.rs",
        "LARGEST: usize",
        1,
        262_144,
        "sns/latest/dg/sns-message-data-types.html",
        "bytes",
    ),
    ("sqs-delay", "functions/aws/src/jobs/queue.rs", "RETIRE_AFTER: (u64, u64)", 1, 900, SQS, "s"),
    ("sqs-shows-again", "functions/push/src/webhook/mod.rs", None, 1, 43_200, SQS, "s"),
]


def constant(given, file, name):
    """The number that a constant of the code is, the larger of two, or the longest pause."""
    text = given.source(file)
    found = re.search(rf"const {re.escape(name)} = ([^;]*);", text) if name else None
    numbers = re.findall(r"[\d_]+(?: \* [\d_]+)*", found[1]) if found else []
    if name is None:
        numbers = re.findall(r"Span::from_seconds\(([\d_ *]+)\)", text)
    products = [math.prod(int(factor) for factor in number.split("*")) for number in numbers]
    # A batch is so many messages, and so many bytes.
    return products[0] if products and name and name.startswith("BATCH") else max(products, default=None)


def code_row(name, file, of, times, limit, source, unit):
    def larger(given):
        before = given.source
        more = f"{limit + 1} * 1"
        begin = rf"const {re.escape(of)} = \(?" if of else r"Span::from_seconds\("
        changed = re.sub(rf"({begin})[\d_ *]+", rf"\g<1>{more}", before(file), count=1)
        given.source = lambda path: changed if path == file else before(path)

    @row(name, f"<= {limit:,} {unit}", source, larger)
    def check(given):
        number = constant(given, file, of)
        if number is None or number * times > limit:
            yield f"{file}: {of or 'a pause'}: {number}"

    return check


for one in CODE:
    code_row(*one)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def faults(template, samconfig=""):
    """What of a template is beyond a limit, row by row."""
    given = Given(template, samconfig, read)
    found = {}
    for limit in ROWS:
        try:
            found[limit] = limit.faults(given)
        except (KeyError, StopIteration) as missing:
            found[limit] = [f"nothing to look at: {missing!r}"]
    return {limit: broken for limit, broken in found.items() if broken}


def shown(broken):
    """What breaks a limit, in a line."""
    return "; ".join(broken[:6]) + (f"; and {len(broken) - 6} more" if len(broken) > 6 else "")


def blind(template, samconfig):
    """The rows that their fixtures do not make red."""
    for limit in ROWS:
        given = Given(copy.deepcopy(template), samconfig, read)
        limit.fixture(given)
        broken = Given(given.template, given.samconfig, given.source)
        if next(iter(limit.check(broken)), None) is None:
            yield limit.name


def table():
    width = max(len(limit.name) for limit in ROWS)
    for limit in ROWS:
        yield f"{limit.name:{width}}  {limit.limit}  {limit.source}"


def main(template_file, samconfig_file=None):
    template = yaml_parse(Path(template_file).read_text(encoding="utf-8"))
    samconfig = Path(samconfig_file).read_text(encoding="utf-8") if samconfig_file else ""
    red = faults(template, samconfig)
    for limit, broken in red.items():
        print(f"{limit.name}: {limit.limit} ({limit.source})\n    {shown(broken)}", file=sys.stderr)
    if red:
        sys.exit(f"{template_file} is beyond {len(red)} of {len(ROWS)} limits")
    unseeing = list(blind(template, samconfig))
    if unseeing:
        sys.exit(f"no fixture turns these rows red: {', '.join(unseeing)}")
    print("\n".join(table()))
    print(f"{template_file} is within {len(ROWS)} limits, and {len(ROWS)} fixtures are not")


if __name__ == "__main__":
    main(*sys.argv[1:])
