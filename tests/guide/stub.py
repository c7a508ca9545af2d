"""Stands for a command that needs a network or takes long: notes its arguments in the file of $NOTED, and answers as AWS."""

import json
import os
import sys
from pathlib import Path


def aws(arguments):
    """The answer to a call of AWS."""
    query = arguments[arguments.index("--query") + 1] if "--query" in arguments else ""
    if query == "Stacks[0].Parameters":
        names = os.environ["PARAMETERS"].split()
        return json.dumps([{"ParameterKey": name, "ParameterValue": "as it was"} for name in names])
    if query.startswith("Stacks[0].Outputs"):
        return f"output-{query.split(chr(39))[1]}"
    if arguments[1] == "describe-stack-resource":
        return f"resource-{arguments[arguments.index('--logical-resource-id') + 1]}"
    return f"answer-to-{arguments[1]}"


def main(name, *arguments):
    with open(os.environ["NOTED"], "a", encoding="utf-8") as noted:
        noted.write(json.dumps([name, *arguments]) + "\n")
    # `-K -` and `-d @-` read standard input.
    if {"-", "@-"} & set(arguments):
        sys.stdin.read()
    if name == "aws":
        print(aws(arguments))
    if name == "unzip":
        Path(arguments[-1].removesuffix(".zip")).mkdir()


main(*sys.argv[1:])
