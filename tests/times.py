"""Puts the table of a run of .ci/run into a document: `times.py DOCUMENT LANE TABLE`. Its place is between the two comments that
name the lane."""

import sys
from pathlib import Path


def main(document, lane, table):
    document = Path(document)
    begin, end = f"<!-- times: {lane} -->\n", f"<!-- end of times: {lane} -->\n"
    before, found, rest = document.read_text(encoding="utf-8").partition(begin)
    _, found_too, after = rest.partition(end)
    if not found or not found_too:
        sys.exit(f"{document} has no place for the times of {lane}")
    table = Path(table).read_text(encoding="utf-8")
    document.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


main(*sys.argv[1:])
