"""Holds infra/openapi.yaml equal to template.yaml (the same routes, a sign-in where the gateway asks for one, CORS) and to
the errors and events of the code, and its examples to its schemas."""

import re
import sys

import yaml
from openapi_schema_validator import OAS31Validator
from samtranslator.yaml_helper import yaml_parse

PREFIX = "/imfpush/v1/apps/{applicationId}"
# What every call can be answered, whatever it does.
ALWAYS = {"404", "429", "500", "503"}


def deployed(template):
    """Each route of the template with whether it asks for a sign-in; without the one that catches the rest."""
    for function in template["Resources"].values():
        for event in function.get("Properties", {}).get("Events", {}).values():
            route = event["Properties"]
            if event["Type"] != "HttpApi" or "Path" not in route:
                continue
            path = route["Path"]
            if not path.startswith(PREFIX + "/") or path.endswith("/"):
                sys.exit(f"{path}: a route begins with {PREFIX}/ and does not end in /")
            yield route["Method"].upper(), path.removeprefix(PREFIX), "Authorizer" in route.get("Auth", {})


def operations(contract, kind="paths"):
    """Each operation of the contract by its method and path; with `webhooks` what it calls itself."""
    for path, item in contract[kind].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def described(contract):
    """Each operation of the contract with whether it asks for a sign-in."""
    for method, path, operation in operations(contract):
        yield method, path, {"signIn": []} in operation["security"]


def different(one, other, names):
    """What only one of two sets has."""
    for item in sorted(one ^ other, key=str):
        yield f"{item}: only in {names[0] if item in one else names[1]}"


def answered(code):
    """Status and code of each failure, as the code matches them."""
    codes = re.findall(r'Self::(\w+)(?:\(_\)| \{ \.\. \})? => "(FPWSE\w+)"', code)
    statuses = {}
    for variants, status in re.findall(r"((?:Self::\w+(?:\(_\)| \{ \.\. \})?[\s|]*)+) => (\d{3}),", code):
        statuses |= dict.fromkeys(re.findall(r"Self::(\w+)", variants), status)
    return {(statuses.get(variant), code) for variant, code in codes}


def unlike_code(contract, code):
    """Where the table of errors, or the schema of one, differs from the code."""
    table = set(re.findall(r"^\| (\d{3}) \| (FPWSE\w+) \|", contract["info"]["description"], re.MULTILINE))
    known = answered(code)
    yield from different(known, table, ("the code", "the table of errors"))
    named = set(contract["components"]["schemas"]["Error"]["properties"]["code"]["enum"])
    yield from different({code for _, code in known}, named, ("the code", "the schema of an error"))


def unlike_events(contract, code):
    """Where the words for events, and for why devices ended, differ from the code."""
    known = set(re.findall(r'Self::\w+ => "([^"]+)",', code))
    schemas = contract["components"]["schemas"]
    event = schemas["Event"]["properties"]
    types = set(event["event"]["enum"])
    yield from different(known, types | set(event["reason"]["enum"]), ("the code", "the schema of an event"))
    yield from different(types, set(schemas["EventTypes"]["items"]["enum"]), ("an event", "the types of events"))


def unlike_cors(contract, template):
    """What of the template's CORS the contract does not tell."""
    cors = template["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    told = re.split(r"[^\w-]+", contract["info"]["description"].lower())
    for word in [*cors["AllowMethods"], *cors["AllowHeaders"], *cors["ExposeHeaders"], str(cors["MaxAge"])]:
        if word.lower() not in told:
            yield f"CORS: {word} is not told"


def resolved(contract, value):
    """The value, or what it refers to."""
    while isinstance(value, dict) and "$ref" in value:
        found = contract
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def exemplified(contract):
    """Whatever has to have an example, by its name: parameters, headers of answers, bodies."""
    for method, path, operation in [*operations(contract), *operations(contract, "webhooks")]:
        name = f"{method} {path}"
        for parameter in contract["paths"].get(path, {}).get("parameters", []) + operation.get("parameters", []):
            parameter = resolved(contract, parameter)
            yield f"{name}, {parameter['name']}", parameter
        bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
        for kind, body in bodies.items():
            body = resolved(contract, body)
            for header, value in body.get("headers", {}).items():
                yield f"{name}, {kind}, {header}", resolved(contract, value)
            for media in body.get("content", {}).values():
                yield f"{name}, {kind}", media


def faulty_examples(contract):
    """Examples that break their schema, and where there is none."""
    for name, described in exemplified(contract):
        # References of the schema are resolved from its own root.
        schema = described["schema"] | {"components": contract["components"]}
        check = OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)
        examples = [example["value"] for example in described.get("examples", {}).values()]
        examples += [described[key] for key in ("example",) if key in described]
        if not examples and "const" not in described["schema"]:
            yield f"{name}: no example"
        for example in examples:
            for error in check.iter_errors(example):
                yield f"{name}: an example is wrong at {error.json_path}: {error.message}"


def incomplete(contract):
    """Answers that every call has, or every call that asks for a secret, and one does not tell."""
    for method, path, operation in operations(contract):
        needed = ALWAYS | ({"401"} if operation["security"] and {} not in operation["security"] else set())
        for status in sorted(needed - operation["responses"].keys()):
            yield f"{method} {path}: it does not tell of {status}"


def main(template_file, contract_file, code_file, event_file):
    with open(template_file, encoding="utf-8") as file:
        template = yaml_parse(file)
    with open(contract_file, encoding="utf-8") as file:
        contract = yaml.safe_load(file)
    with open(code_file, encoding="utf-8") as file:
        code = file.read()
    with open(event_file, encoding="utf-8") as file:
        events = file.read()
    routes = set(deployed(template))
    faults = [
        *different(routes, set(described(contract)), (template_file, contract_file)),
        *unlike_code(contract, code),
        *unlike_events(contract, events),
        *unlike_cors(contract, template),
        *incomplete(contract),
        *faulty_examples(contract),
    ]
    if faults or not routes:
        sys.exit("\n".join(f"{contract_file}: {fault}" for fault in faults) or f"{template_file} has no route")
    count = len(list(exemplified(contract)))
    print(
        f"{contract_file} describes the {len(routes)} routes of {template_file}, with {count} examples that are right"
    )


main(*sys.argv[1:])
