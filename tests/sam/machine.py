"""Does infra/release/machine.py tell processors apart? On the templates of both releases, and on one as `sam build` leaves it,
with bootstraps that are nothing but the header of an ELF file."""

import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

NUMBERS = {"x86_64": 62, "arm64": 183}


def header(architecture):
    return b"\x7fELF" + bytes(14) + struct.pack("<H", NUMBERS[architecture])


def passes(template):
    checked = subprocess.run([sys.executable, "infra/release/machine.py", template], capture_output=True, check=False)
    return checked.returncode == 0


def main(template):
    for architecture in NUMBERS:
        with tempfile.TemporaryDirectory() as directory:
            made = subprocess.check_output([sys.executable, "infra/release/template.py", template, architecture])
            released = Path(directory, "template.yaml")
            released.write_bytes(made)
            binaries = [
                resource["Properties"]["CodeUri"]
                for resource in yaml_parse(made.decode())["Resources"].values()
                if resource["Type"] == "AWS::Serverless::Function"
            ]
            for built in NUMBERS:
                for number, binary in enumerate(binaries):
                    # One of them is enough.
                    own = built if number == len(binaries) - 1 else architecture
                    with zipfile.ZipFile(Path(directory, binary), "w") as file:
                        file.writestr("bootstrap", header(own))
                if passes(released) != (built == architecture):
                    sys.exit(f"machine.py takes a zip for {built} in a template for {architecture} for the other")
    with tempfile.TemporaryDirectory() as directory:
        for built in NUMBERS:
            document = yaml_parse(Path(template).read_text(encoding="utf-8"))
            [wanted] = document["Globals"]["Function"]["Architectures"]
            for name, resource in document["Resources"].items():
                if resource["Type"] == "AWS::Serverless::Function":
                    resource["Properties"]["CodeUri"] = name
                    Path(directory, name).mkdir(exist_ok=True)
                    Path(directory, name, "bootstrap").write_bytes(header(built))
            Path(directory, "template.yaml").write_text(yaml_dump(document), encoding="utf-8")
            if passes(Path(directory, "template.yaml")) != (built == wanted):
                sys.exit(f"machine.py takes a build for {built} of a template for {wanted} for the other")
    print("a build for another processor than the template names is refused")


main(*sys.argv[1:])
