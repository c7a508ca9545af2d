"""Are the functions of a template built for the processor that it names? `machine.py TEMPLATE`, one that `sam build` or
`infra/release/run` wrote, with the folder or zip of each function beside it."""

import io
import struct
import sys
import zipfile
from pathlib import Path

from samcli.yamlhelper import yaml_parse

# The processor in the header of an ELF file.
MACHINES = {62: "x86_64", 183: "arm64"}


def machine(place):
    """What a function's bootstrap runs on."""
    if place.is_dir():
        header = (place / "bootstrap").read_bytes()[:20]
    else:
        with zipfile.ZipFile(place) as file:
            header = io.BytesIO(file.read("bootstrap")).read(20)
    if header[:4] != b"\x7fELF":
        return "no ELF file"
    [number] = struct.unpack_from("<H", header, 18)
    return MACHINES.get(number, f"machine {number}")


def main(file):
    template = yaml_parse(Path(file).read_text(encoding="utf-8"))
    common = template.get("Globals", {}).get("Function", {})
    checked = []
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = common | resource["Properties"]
            built = machine(Path(file).parent / properties["CodeUri"])
            if properties["Architectures"] != [built]:
                sys.exit(
                    f"{file}: {name} is deployed for {properties['Architectures']}, and its bootstrap is for {built}"
                )
            checked.append(built)
    if not checked:
        sys.exit(f"{file} has no function")
    print(f"{len(checked)} functions of {Path(file).name} are for {checked[0]}")


main(*sys.argv[1:])
