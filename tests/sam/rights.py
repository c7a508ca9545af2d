"""Does the table of rights name those that the template gives, and no others? `rights.py TEMPLATE TABLE`"""

import re
import sys

from samcli.yamlhelper import yaml_parse


def statements(policy):
    """The statements of a policy of a function, those of both branches of a condition."""
    if "AWSSecretsManagerGetSecretValuePolicy" in policy:
        yield {"Action": "secretsmanager:GetSecretValue"}
    for statement in policy.get("Statement", []):
        branches = statement["Fn::If"][1:] if "Fn::If" in statement else [statement]
        yield from (branch for branch in branches if "Action" in branch)


def given(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            for policy in resource["Properties"]["Policies"]:
                for statement in statements(policy):
                    actions = statement["Action"]
                    yield from ((name, action) for action in ([actions] if isinstance(actions, str) else actions))


def main(template, table):
    with open(template, encoding="utf-8") as file:
        rights = set(given(yaml_parse(file.read())))
    with open(table, encoding="utf-8") as file:
        rows = set(re.findall(r"^\| (\w+) \| `([\w:]+)` \|", file.read(), re.M))
    for function, action in sorted(rights ^ rows):
        where = template if (function, action) in rights else table
        print(f"{function}, {action}: only in {where}; see tests/rights/run", file=sys.stderr)
    if not rights or rights != rows:
        sys.exit(1)
    print(f"{table} has the {len(rights)} rights of {template}")


main(*sys.argv[1:])
