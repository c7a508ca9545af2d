"""Turns a built template into one that ministack can deploy, and says what differs and why. What AWS would refuse is refused
before anything is changed."""

import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sam"))
from limits import faults, shown


def issuer(template):
    """The local login service has no certificate."""
    given = template["Parameters"]["IssuerUrl"]
    if not given["AllowedPattern"].startswith("^https:"):
        sys.exit("the template does not ask for an https:// issuer any more")
    given["AllowedPattern"] = given["AllowedPattern"].replace("^https:", "^https?:", 1)
    yield "IssuerUrl may begin with http://: the local login service does"


def alarms(template):
    """ministack takes no expressions."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            properties = resource["Properties"]
            first = next(metric["MetricStat"] for metric in properties.pop("Metrics") if "MetricStat" in metric)
            properties |= {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
            yield f"{name} looks at one metric: ministack takes no expressions"


def conditions(template):
    """ministack knows no dynamodb:LeadingKeys, so that a condition that it be there never holds."""

    def without(value):
        """How many conditions a value lost."""
        if isinstance(value, list):
            return sum(map(without, value))
        if not isinstance(value, dict):
            return 0
        lost = "Condition" in value and isinstance(value["Condition"], dict) and value["Condition"].pop("Null", None)
        return bool(lost) + sum(map(without, value.values()))

    for name, resource in template["Resources"].items():
        if count := without(resource.get("Properties", {}).get("Policies", [])):
            yield f"{name}: {count} conditions Null are left out: ministack does not know dynamodb:LeadingKeys"


CHANGES = [issuer, alarms, conditions]


def main(built, deployed):
    with open(built, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # Before ministack is pleased: what it does not look at must not hide what AWS refuses.
    if refused := faults(template):
        sys.exit("\n".join(f"beyond a limit: {row.name} ({row.limit}): {shown(what)}" for row, what in refused.items()))
    print("the template is within the limits of AWS")
    for change in CHANGES:
        said = list(change(template))
        if not said:
            sys.exit(f"nothing is changed any more for this reason: {change.__doc__}")
        print("\n".join(f"changed: {line}" for line in said))
    with open(deployed, "w", encoding="utf-8") as file:
        file.write(yaml_dump(template))


main(*sys.argv[1:])
