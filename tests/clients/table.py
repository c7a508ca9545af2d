"""Judges all rows: `table.py README TABLE ROWS…` fails for a row that is not as expected, and where a client has another
number of calls than README says. It writes the rows as a table to TABLE. With `--write` first it puts the numbers into README."""

import collections
import json
import sys
from pathlib import Path

HEAD = "| client | calls |\n|---|---|\n"


def cell(text):
    """Bars end a cell in Markdown, in code too."""
    return text.replace("|", "\\|")


def line(row):
    code = lambda text: f"`{cell(text)}`"
    return f"| {row['client']} | {cell(row['call'])} | {code(row['expected'])} | {code(row['got'])} |\n"


def main(*given):
    write = given[0] == "--write"
    readme, table, *files = map(Path, given[write:])
    rows = [json.loads(text) for file in files for text in file.read_text(encoding="utf-8").splitlines()]
    table.write_text(
        "| client | call | expected | got |\n|---|---|---|---|\n" + "".join(map(line, rows)), encoding="utf-8"
    )
    wrong = [row for row in rows if row["got"] != row["expected"]]
    for row in wrong:
        print(f"{row['client']}, {row['call']}\n  expected {row['expected']}\n  got      {row['got']}", file=sys.stderr)
    counts = collections.Counter(row["client"] for row in rows)
    numbers = "".join(f"| {client} | {count} |\n" for client, count in counts.items())
    print(f"{len(rows)} calls, each a row of {table}\n\n{HEAD}{numbers}")
    if wrong:
        sys.exit(f"{len(wrong)} rows are not as expected")
    introduction, head, former = readme.read_text(encoding="utf-8").partition(HEAD)
    if write:
        readme.write_text(introduction + HEAD + numbers, encoding="utf-8")
    elif (head, former) != (HEAD, numbers):
        sys.exit(f"{readme} has other numbers of calls: `run --write` writes them")


main(*sys.argv[1:])
