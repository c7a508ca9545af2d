"""Says which stories were told to the deployed stack, and why each other one was not: `told.py ALL LOG LEFT_OUT`, a file with the
name of each story, what telling them printed, and the reasons of those that were skipped."""

import collections
import re
import sys
from pathlib import Path

LINE = re.compile(r"^test (\S+) +\.\.\. (ok|ignored(?: \((.*)\))?)$", re.M)


def main(every, log, left_out):
    stories = Path(every).read_text(encoding="utf-8").split()
    reasons = dict(line.split(" ", 1) for line in Path(left_out).read_text(encoding="utf-8").splitlines())
    for story, result, reason in LINE.findall(Path(log).read_text(encoding="utf-8")):
        if result == "ok":
            reasons[story] = None
        elif reason:
            reasons[story] = reason
    if unexplained := [story for story in stories if story not in reasons]:
        sys.exit(f"not told, without a reason: {', '.join(unexplained)}")
    untold = collections.Counter(reasons[story] for story in stories if reasons[story])
    print(f"{len(stories)} stories, {len(stories) - untold.total()} told to the deployed stack; not told:")
    for reason, count in untold.most_common():
        print(f"{count:5} {reason}")


main(*sys.argv[1:])
