"""Holds infra/local/compose.yaml to what the README says of it, as far as that goes without an image."""

import re
import sys

from expect import expect
from samcli.yamlhelper import parse_yaml_file

services = parse_yaml_file(sys.argv[1])["services"]
image = re.compile(r"amazon/dynamodb-local:\d+\.\d+\.\d+")
command = "-jar DynamoDBLocal.jar -inMemory -sharedDb -disableTelemetry"
wanted = {"dynamodb": {"image": image, "command": command, "ports": ["127.0.0.1:8000:8000"]}}
expect("DynamoDB Local is pinned, in memory, shared, and on the loopback interface only", services, wanted)
