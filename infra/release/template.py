"""Writes the template of a release to standard output: it deploys functions that are built already, from zips beside it."""

import sys

from samcli.yamlhelper import yaml_dump, yaml_parse


def main(template, architecture):
    with open(template, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    template["Globals"]["Function"]["Architectures"] = [architecture]
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            built = resource.pop("Metadata")["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = f"{built}.zip"
    sys.stdout.write(yaml_dump(template))


main(*sys.argv[1:])
