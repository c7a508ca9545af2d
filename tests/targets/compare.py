"""Sets the results of the stories on each target side by side: the same stories, the same results, or a reason.

`compare.py LEFT_OUT NAME=LOG…`: the first log has every story."""

import collections
import re
import sys

LINE = re.compile(r"^test (\S+) +\.\.\. (ok|FAILED|ignored(?: \((.*)\))?)$")


def results(path):
    """What became of each story: nothing, or the reason why it was not told."""
    with open(path, encoding="utf-8") as file:
        lines = [LINE.match(line.rstrip("\n")) for line in file]
    found = {line[1]: line[3] for line in lines if line and line[2] != "FAILED"}
    failed = [line[1] for line in lines if line and line[2] == "FAILED"]
    if failed:
        sys.exit(f"{path}: failed: {', '.join(failed)}")
    return found


def main(left_out, *logs):
    with open(left_out, encoding="utf-8") as file:
        reasons = dict(line.rstrip("\n").split(" ", 1) for line in file)
    targets = dict(log.split("=", 1) for log in logs)
    targets = {name: results(path) for name, path in targets.items()}
    stories = next(iter(targets.values()))
    if not stories or any(stories.values()):
        sys.exit("the first target does not tell every story")
    print("| target | stories told | left out |\n|---|---|---|")
    untold = {}
    for name, told in targets.items():
        without = {story: told.get(story, reasons.get(story, "?")) for story in stories if told.get(story, "?")}
        print(f"| {name} | {len(stories) - len(without)} | {len(without)} |")
        untold[name] = without
    for name, without in untold.items():
        by_reason = collections.defaultdict(list)
        for story, reason in without.items():
            by_reason[reason].append(story)
        for reason, named in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
            print(f"\nnot told to {name}, {reason}: {len(named)}")
            for story in sorted(named):
                print(f"    {story}")
        if "?" in by_reason:
            sys.exit(f"{name}: stories are left out without a reason")


main(*sys.argv[1:])
