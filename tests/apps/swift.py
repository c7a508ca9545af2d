"""Parses Userpush.swift, and holds its words beside those of Userpush.kt, which runs.

No Swift compiler is to be had from a package registry. The grammar finds what cannot be parsed. That both files say the same
to the server and keep the same is seen by their strings; where Swift has `Codable`, by the names of the fields instead.
"""

import re
import sys
from pathlib import Path

import tree_sitter
import tree_sitter_swift

# What is no word to the server or the store, or said in another way: the message of an error, the name of the hash, a zero
# byte, the address put together; the platform that an app in Swift has.
ONLY_KOTLIN = {"", "Userpush answered …", "SHA-256", "\\u0000", "…/…"}
ONLY_SWIFT = {"A", "…\\0…"}


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


def literals(text, interpolation):
    """The string literals outside of comments, with … for what is put into them."""
    code = re.sub(interpolation, "…", re.sub(r"(?m)^\s*(//|/?\*).*$", "", text))
    return set(re.findall(r'"((?:[^"\\]|\\.)*)"', code))


swift, kotlin = (Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])
tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language())).parse(swift.encode())
wrong = []
for node in nodes(tree.root_node):
    if node.is_error or node.is_missing:
        what = f"{node.type} is missing" if node.is_missing else "does not parse"
        wrong.append(f"{node.start_point[0] + 1}:{node.start_point[1] + 1}: {what}")

fields = set(re.findall(r"(?m)^    let (\w+): String\??$", swift))
in_swift = literals(swift, r"\\\((?:[^()]|\([^()]*\))*\)") | fields
in_kotlin = literals(kotlin, r"\$\{[^}]*\}|\$\w+")
wrong += [f"it says {word!r}, Userpush.kt does not" for word in sorted(in_swift - in_kotlin - ONLY_SWIFT)]
wrong += [f"it does not say {word!r}, Userpush.kt does" for word in sorted(in_kotlin - in_swift - ONLY_KOTLIN)]

for line in wrong:
    print(f"{sys.argv[1]}: {line}", file=sys.stderr)
if wrong:
    sys.exit(1)
print(f"Userpush.swift is parsed, not compiled; its {len(in_swift)} words are those of Userpush.kt")
