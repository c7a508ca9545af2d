"""Makes the table of all rows: `table.py README ROWS…` compares it with the one in README, and `table.py --write README
ROWS…` puts it there. Fails for a row that is not as expected, whatever the table says."""

import json
import sys

HEAD = ["| client | call | expected | got |", "|---|---|---|---|"]


def cell(text):
    """Bars end a cell in Markdown, in code too."""
    return text.replace("|", "\\|")


def line(row):
    code = lambda text: f"`{cell(text)}`"
    return f"| {row['client']} | {cell(row['call'])} | {code(row['expected'])} | {code(row['got'])} |"


def main(*given):
    write = given[0] == "--write"
    readme, *files = given[write:]
    rows = [json.loads(text) for file in files for text in open(file, encoding="utf-8")]
    with open(readme, encoding="utf-8") as file:
        introduction, head, former = file.read().partition(HEAD[0])
    lines = [*HEAD, *map(line, rows)]
    table = "".join(f"{text}\n" for text in lines)
    wrong = [row for row in rows if row["got"] != row["expected"]]
    for row in wrong:
        print(f"{row['client']}, {row['call']}\n  expected {row['expected']}\n  got      {row['got']}", file=sys.stderr)
    counts = {}
    for row in rows:
        counts[row["client"]] = counts.get(row["client"], 0) + 1
    print(f"{len(rows)} rows: " + ", ".join(f"{client} {count}" for client, count in counts.items()))
    if wrong:
        sys.exit(f"{len(wrong)} rows are not as expected")
    if write:
        with open(readme, "w", encoding="utf-8") as file:
            file.write(introduction + table)
    elif head + former != table:
        before = (head + former).splitlines()
        for text in [text for text in lines if text not in before][:10]:
            print(f"+ {text}", file=sys.stderr)
        for text in [text for text in before if text not in lines][:10]:
            print(f"- {text}", file=sys.stderr)
        sys.exit(f"the table in {readme} differs: write it anew with `run --write`")


main(*sys.argv[1:])
