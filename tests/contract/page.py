"""Holds the page of the contract: every operation is in it without a script, and it loads nothing from elsewhere."""

import re
import sys
from html.parser import HTMLParser

import yaml

METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
# Attributes whose URL a browser fetches by itself; of <a href> it does not.
LOADS = {"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest"}
INSIDE = ("data:", "#")


class Page(HTMLParser):
    """What a reader sees, where links lead, and what the browser would fetch."""

    def __init__(self):
        super().__init__()
        self.shown, self.fetched, self.anchors, self.policy, self.inside = [], [], set(), "", None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.inside = tag if tag in ("script", "style") else None
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if "id" in attributes:
            self.anchors.add(attributes["id"])
        names = LOADS | ({"href", "xlink:href"} if tag != "a" else set())
        self.fetched += [attributes[name] for name in names & attributes.keys()]
        self.fetched += urls(attributes.get("style") or "")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, text):
        if self.inside == "style":
            self.fetched += urls(text)
        elif self.inside is None:
            self.shown.append(text)


def urls(style):
    """What a style sheet fetches."""
    return re.findall(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""", style)


def main(contract, file):
    with open(contract, encoding="utf-8") as text:
        paths = yaml.safe_load(text)["paths"]
    page = Page()
    with open(file, encoding="utf-8") as text:
        page.feed(text.read())
    shown = " ".join(" ".join(page.shown).split())
    faults = [f"it fetches {url}" for url in page.fetched if url and not url.startswith(INSIDE)]
    if "default-src 'none'" not in page.policy or re.search(r"https?:|\*|'self'", page.policy):
        faults.append("its policy lets it fetch")
    count = 0
    for path, item in paths.items():
        for method in METHODS & item.keys():
            operation, count = item[method], count + 1
            if not any(anchor.endswith(f"operation/{operation['operationId']}") for anchor in page.anchors):
                faults.append(f"{method.upper()} {path} has no place in it")
            if operation["summary"] not in shown or path not in shown.replace(" ", ""):
                faults.append(f"{method.upper()} {path} is not shown")
    if faults or not count:
        sys.exit("\n".join(f"{file}: {fault}" for fault in faults) or f"{contract} has no operation")
    print(f"{file} shows the {count} operations of {contract} and loads nothing")


main(*sys.argv[1:])
