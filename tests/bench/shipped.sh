#!/usr/bin/env bash
# The functions as they are shipped, with a zip of each. Sourced by bash, after tests/tools.sh.

zips=$tools/bench/zips

# build_shipped FUNCTION…
build_shipped() {
    local function
    mkdir -p "$zips"
    for function in "$@"; do
        # Each by itself, so that it has no more features than it asks for.
        cargo build --quiet --release --locked -p "$function"
        python3 - "${CARGO_TARGET_DIR:-target}/release/$function" "$zips/$function.zip" <<'PYTHON'
import sys
import zipfile

binary, path = sys.argv[1:]
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
    file.write(binary, "bootstrap")
PYTHON
    done
}
