"""Runs the two samples of README.md that verify a webhook's signature, on right headers and on whatever else may come.

A sample answers true or false to each: a receiver that fails on a junk header can be stopped by anybody who knows its URL."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# As functions/push/src/webhook/signature.rs makes them.
KEY = "4bb2ab18653bd8087bcce481aa7b2dca5eadcd7e7dbac7a6ad389690acf404a3"
SIGNATURE = "bc7b18b47b5784ede8b592879e4847cbd17ab9d62ddca34be3b5b6b73ea82c61"
SECONDS, BODY = 1_700_000_000, "{}"

SIGNED = f"t={SECONDS},v1={SIGNATURE}"
OTHER = "0" * 64
ARABIC = "".join(chr(0x660 + int(digit)) for digit in str(SECONDS))
LONE_SURROGATE = "\udcff"
# A header, the seconds that have passed since it was made, and the answer.
CASES = [
    *((SIGNED, later, abs(later) < 300) for later in (0, 299, -299, 302, -302, 86_400, -86_400)),
    # While the app secret rotates.
    (f"t={SECONDS},v1={OTHER},v1={SIGNATURE}", 0, True),
    (f"t={SECONDS},v1={SIGNATURE},v1={OTHER}", 0, True),
    (f"t={SECONDS},v1={OTHER},v1={OTHER}", 0, False),
    (f"t={SECONDS},v2=junk,v1={SIGNATURE}", 0, True),
    *(
        (header, 0, False)
        for header in (
            None,
            "",
            "junk",
            ",",
            "=",
            ",=,==,",
            "t",
            "t=",
            "v1",
            "v1=",
            "t=,v1=",
            f"t={SECONDS}",
            f"v1={SIGNATURE}",
            f"t={SECONDS},v1=",
            f"t={SECONDS},v1={OTHER}",
            f"t={SECONDS + 1},v1={SIGNATURE}",
            f"t={SECONDS},v1={SIGNATURE[:-1]}",
            f"t={SECONDS},v1={SIGNATURE}0",
            f"t={SECONDS},v1={SIGNATURE.upper()}",
            f"t={SECONDS},v1={SIGNATURE}\n",
            f"t={SECONDS},v1={'é' * 64}",
            f"t={SECONDS},v1={LONE_SURROGATE * 64}",
            f"t={SECONDS},t={SECONDS},v1={SIGNATURE}",
            f"t={SECONDS},t=x,t={SECONDS + 1},v1={SIGNATURE}",
            f"t=abc,v1={SIGNATURE}",
            f"t=NaN,v1={SIGNATURE}",
            f"t=-1,v1={SIGNATURE}",
            f"t=1.7e9,v1={SIGNATURE}",
            f"t=1_700_000_000,v1={SIGNATURE}",
            f"t={ARABIC},v1={SIGNATURE}",
            f"t={'9' * 5_000},v1={SIGNATURE}",
            f"t={SECONDS}\0,v1={SIGNATURE}",
            "t=" * 50_000,
        )
    ),
]

RUNNERS = {
    "python": (
        [sys.executable],
        "sample.py",
        """
import json, sys, time

key, body, cases = json.load(sys.stdin)
answers = []
for header, now in cases:
    time.time = lambda: now
    try:
        answers.append(is_ours(key, header, body.encode()))
    except Exception as error:
        answers.append(repr(error))
print(json.dumps(answers))
""",
    ),
    "js": (
        ["node"],
        "sample.mjs",
        """
import { readFileSync } from "node:fs";

const [key, body, cases] = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map(([header, now]) => {
  Date.now = () => now * 1000;
  try {
    return isOurs(key, header ?? undefined, Buffer.from(body));
  } catch (error) {
    return String(error);
  }
});
console.log(JSON.stringify(answers));
""",
    ),
}


def answers(language, sample, key, body):
    """What the sample answers to each case; the text of an error where it has none."""
    command, name, runner = RUNNERS[language]
    given = json.dumps([key, body, [(header, SECONDS + later) for header, later, _ in CASES]])
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, name)
        file.write_text(f"{sample}\n{runner}", encoding="utf-8")
        done = subprocess.run([*command, file], input=given, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        sys.exit(f"the sample in {language} does not run: {done.stderr}")
    return json.loads(done.stdout)


def main(readme):
    text = Path(readme).read_text(encoding="utf-8")
    found = []
    for language in RUNNERS:
        samples = [
            sample for sample in re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S) if "v1=" in sample
        ]
        if len(samples) != 1:
            sys.exit(f"{readme} has {len(samples)} samples in {language} that verify a signature")
        for key, body, counts in [(KEY, BODY, True), (KEY[::-1], BODY, False), (KEY, "{ }", False)]:
            for (header, later, right), answer in zip(CASES, answers(language, samples[0], key, body), strict=True):
                if answer is not (right and counts):
                    found.append(f"{language}: {str(header)[:100]!r}, {later} s later: {answer}")
    if found:
        sys.exit("\n".join(found))
    print(f"{len(CASES)} headers, by {' and '.join(RUNNERS)}")


main(*sys.argv[1:])
