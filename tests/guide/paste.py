"""Pastes the commands of Markdown files into interactive shells, and fails on what a reader would stumble over.

`paste.py FILE…`: all blocks of a file go into one shell, one after the other. A comment among commands fails: zsh takes it for
arguments. What `change` of the guide asks of CloudFormation is looked at, as the guide is the only place that has it."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STUB = Path(__file__).with_name("stub.py").resolve()
STUBBED = ["aws", "cargo", "curl", "docker", "git", "ip", "sam", "sha256sum", "unzip"]
SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-u", "-i"], "trap 'echo \"FAILED $BASH_COMMAND\" >&2' ERR"),
    "zsh": (["zsh", "-f", "-u", "-i"], 'TRAPZERR() { echo "FAILED before line $LINENO" >&2 }'),
}
# What a shell says of its own: an error, or what a failed command leaves behind. Without a terminal there is no job control.
ERROR = re.compile(r"^(FAILED|(/\S*/)?(bash|zsh): (?!cannot set terminal|no job control))", re.M)
COMMENT = re.compile(r"(^|\s)#(\s|$)")
# What the guide tells the reader to have.
FILES = ["service-account.json", "AuthKey.p8"]


def blocks(file):
    """The blocks of commands, with the number of the line before each."""
    text = Path(file).read_text(encoding="utf-8")
    for block in re.finditer(r"^( *)```sh\n(.*?)^\1```$", text, re.M | re.S):
        yield text.count("\n", 0, block.start()) + 1, textwrap.dedent(block[2])


def pasted(shell, commands, parameters):
    """What the shell says, and what the stubs were given, when it is fed the commands."""
    command, watch = SHELLS[shell]
    with tempfile.TemporaryDirectory() as directory:
        home, stubs, noted = Path(directory, "home"), Path(directory, "stubs"), Path(directory, "noted")
        home.mkdir()
        stubs.mkdir()
        noted.touch()
        for name in FILES:
            Path(home, name).write_text("a key", encoding="utf-8")
        start = shlex.join([sys.executable, "-I", "-S", str(STUB)])
        for name in STUBBED:
            stub = Path(stubs, name)
            stub.write_text(f'#!/bin/sh\nexec {start} {name} "$@"\n', encoding="utf-8")
            stub.chmod(0o755)
        told = {
            "HOME": home,
            "PATH": f"{stubs}:{os.environ['PATH']}",
            "NOTED": noted,
            "PARAMETERS": " ".join(parameters),
            "PS1": "",
            "PS2": "",
        }
        done = subprocess.run(
            command,
            input="\n".join([watch, *commands, "exit", ""]),
            cwd=home,
            env=os.environ | {name: str(value) for name, value in told.items()},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            start_new_session=True,
        )
        # Without the marks that zsh sets where a prompt would be.
        said = re.sub(r"\x1b\[\w+|\r", "\n", done.stdout + done.stderr)
        return said, [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]


def stumbles(file, shell, parameters):
    """What a reader of the file would stumble over in this shell."""
    everything = [commands for _, commands in blocks(file)]
    said, noted = pasted(shell, everything, parameters)
    found = [f"{file}, {shell}: {line}" for line in said.splitlines() if ERROR.search(line)]
    comments = [call for call in noted if any(word.startswith("#") for word in call)]
    found += [f"{file}, {shell}: a comment became arguments: {call}" for call in comments]
    if len(everything) < 5 or len(noted) < 10:
        found.append(f"{file}, {shell}: {len(everything)} blocks and {len(noted)} calls are too few")
    return found


def changes(shell, parameters):
    """Whether `change` of the guide names every parameter, and only those of the stack."""
    definitions = [commands for _, commands in blocks("infra/README.md") if re.search(r"^STACK=", commands, re.M)]
    last = parameters[-1]
    said, noted = pasted(shell, [*definitions, f"change {last}='a b,c=d'"], parameters)
    updates = [call for call in noted if call[1:3] == ["cloudformation", "update-stack"]]
    if ERROR.search(said) or len(updates) != 1:
        return [f"{shell}: change fails: {said}"]
    [update] = updates
    given = json.loads(update[update.index("--parameters") + 1])
    expected = [{"ParameterKey": name, "UsePreviousValue": True} for name in parameters[:-1]]
    if (
        given != [*expected, {"ParameterKey": last, "ParameterValue": "a b,c=d"}]
        or "--use-previous-template" not in update
    ):
        return [f"{shell}: change gives {update}"]
    if noted[-1][1:4] != ["cloudformation", "wait", "stack-update-complete"]:
        return [f"{shell}: change does not wait"]
    for wrong in ["NoSuch=1", "NoSuch"]:
        said, noted = pasted(shell, [*definitions, f"change {wrong}"], parameters)
        if "FAILED" not in said or any("update-stack" in call for call in noted):
            return [f"{shell}: change {wrong} is not refused: {said}"]
    return []


def main(*files):
    template = Path("template.yaml").read_text(encoding="utf-8")
    section = re.search(r"^Parameters:\n(.*?)^\S", template, re.M | re.S)[1]
    parameters = re.findall(r"^  (\w+):$", section, re.M)
    found = []
    for file in files:
        for line, commands in blocks(file):
            found += [
                f"{file}:{line}: a comment: {command}" for command in commands.splitlines() if COMMENT.search(command)
            ]
    with ThreadPoolExecutor() as shells:
        tries = [shells.submit(stumbles, file, shell, parameters) for file in files for shell in SHELLS]
        tries += [shells.submit(changes, shell, parameters) for shell in SHELLS]
        found += [stumble for one in tries for stumble in one.result()]
    if found:
        sys.exit("\n".join(found))
    print(f"{sum(len([*blocks(file)]) for file in files)} blocks pasted into {' and '.join(SHELLS)}")


main(*sys.argv[1:])
