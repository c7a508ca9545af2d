"""Turns a built template into one that ministack can deploy, and says what differs."""

import sys

from samcli.yamlhelper import yaml_dump, yaml_parse


def main(built, deployed):
    with open(built, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    issuer = template["Parameters"]["IssuerUrl"]
    if not issuer["AllowedPattern"].startswith("^https:"):
        sys.exit("the template does not ask for an https:// issuer any more")
    issuer["AllowedPattern"] = issuer["AllowedPattern"].replace("^https:", "^https?:", 1)
    print("changed: IssuerUrl may begin with http://, as the local login service does")
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            properties = resource["Properties"]
            first = next(metric["MetricStat"] for metric in properties.pop("Metrics") if "MetricStat" in metric)
            properties |= {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
            print(f"changed: {name} looks at one metric, ministack takes no expressions")
    with open(deployed, "w", encoding="utf-8") as file:
        file.write(yaml_dump(template))


main(*sys.argv[1:])
