"""Sums the instructions of callgrind's profiles by parts of the program: `profile.py DIRECTORY FILE [--functions]`."""

import json
import pathlib
import re
import subprocess
import sys
from collections import Counter

# A part, and how the names of its functions look; the first that fits counts.
PARTS = [
    (
        "TLS: arithmetic of keys and signatures",
        r"/ring-0|^ring_core|^LIMBS|^x25519|p256|^fiat|bn_mul|bn_sqr|^ring::(rsa|ec|arithmetic|limb)|GFp",
    ),
    ("TLS: encryption of records", r"aes|gcm|ghash|chacha|poly1305|^ring::aead"),
    (
        "TLS: protocol and certificates",
        r"rustls|webpki|pki_types|^ring::(hkdf|hmac|digest|agreement)|tokio_rustls|hyper_rustls",
    ),
    ("hashes: signatures of requests, keys of items", r"sha2|sha256|sha512|^hmac|digest|keccak"),
    (
        "allocation and copies",
        r"malloc|free$|calloc|realloc|mem(cpy|move|set|cmp)|__rdl_|__rust_|_int_|arena|alloc::(alloc|raw_vec)",
    ),
    ("SDK: endpoints, partitions, regions", r"partition|regex_lite|endpoint_lib|endpoint::|resolve_endpoint"),
    ("SDK: signing", r"aws_sigv4|percent_encoding"),
    ("JSON", r"serde_json|serde_core|aws_smithy_json|serde::|ryu|itoa|serde_path_to_error|base64"),
    ("Userpush", r"(^|[<:&( ])(aws|push|register|send)::"),
    ("SDK: requests", r"aws_sdk|aws_smithy|aws_runtime|aws_config|aws_credential|aws_types"),
    ("HTTP", r"hyper|http::|httparse|h2::|http_body|bytes::|tower|url::|idna"),
    ("tokio and Lambda's runtime", r"tokio|lambda_|mio::|futures|aws_lambda_events|tracing"),
    (
        "the system: loading, clocks, sockets",
        r"^_dl|^do_lookup|^dl|ld-linux|vdso|std::sys|std::io|std::net|getaddrinfo|pthread|epoll|syscall|libc",
    ),
]
LINE = re.compile(r"^\s*([\d,]+) \([^)]*\)\s+(\S.*)$")


def profile(path):
    """The instructions of each function in the profile, as callgrind_annotate tells them."""
    command = ["callgrind_annotate", "--inclusive=no", "--threshold=100", "--auto=no", str(path)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counts = Counter()
    for line in text.splitlines():
        if (found := LINE.match(line)) and "PROGRAM TOTALS" not in line:
            counts[found[2]] += int(found[1].replace(",", ""))
    return counts


def parts(counts):
    """The same by parts, the largest first."""
    sums = Counter()
    for function, count in counts.items():
        part = next((name for name, like in PARTS if re.search(like, function)), "everything else")
        sums[part] += count
    return [{"part": part, "instructions": count} for part, count in sums.most_common()]


def found(directory, function, case):
    """The profile of a measurement, of all its threads."""
    paths = sorted(pathlib.Path(directory).rglob(f"*/{function}.{case}/callgrind.*.out"))
    if not paths:
        sys.exit(f"no profile of {function}.{case}")
    return sum(map(profile, paths), Counter())


def main():
    """Writes what is measured, by its name."""
    directory, file, *options = sys.argv[1:]
    first, warm = (found(directory, "register", case) for case in ("first", "warm"))
    sends = [found(directory, "send", case) for case in ("first", "warm")]

    def each(more, fewer, count):
        return Counter({name: (more[name] - fewer[name]) // count for name in more if more[name] > fewer[name]})

    measured = {
        "register, start and first registration": first,
        "register, each unchanged registration": each(warm, first, 100),
        "send, each publish": each(sends[1], sends[0], 1000),
    }
    if "--functions" in options:
        for name, counts in measured.items():
            print(name, *counts.most_common(60), sep="\n  ")
    shown = {name: parts(counts) for name, counts in measured.items()}
    pathlib.Path(file).write_text(json.dumps(shown, indent=2) + "\n")


main()
