"""Holds infra/openapi.yaml equal to template.yaml: the same routes, and a sign-in where the gateway asks for one."""

import sys

import yaml
from samtranslator.yaml_helper import yaml_parse

PREFIX = "/imfpush/v1/apps/{applicationId}"


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


def described(contract):
    """Each operation of the contract with whether it asks for a sign-in."""
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, {"signIn": []} in operation["security"]


def main(template, contract):
    with open(template, encoding="utf-8") as file:
        routes = set(deployed(yaml_parse(file)))
    with open(contract, encoding="utf-8") as file:
        operations = set(described(yaml.safe_load(file)))
    for route in sorted(routes - operations):
        print(f"{route}: in {template}, not in {contract}", file=sys.stderr)
    for route in sorted(operations - routes):
        print(f"{route}: in {contract}, not in {template}", file=sys.stderr)
    if not routes or routes != operations:
        sys.exit(1)
    print(f"{contract} describes the {len(routes)} routes of {template}")


main(*sys.argv[1:])
