#!/usr/bin/env bash
# What the commands in this directory have in common: where tools live and how they get there. Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/tests/.tools
# Where the commands that tell the stories leave what became of them, one file for each target.
told=$tools/told

fail() {
    echo "$0: $*" >&2
    exit 1
}

# needs COMMAND:PACKAGE…: installs the Debian package of each command that is missing, all in one go.
needs() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        fail "missing, please install: ${missing[*]}"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# venv NAME: a Python environment in .tools/NAME with exactly what NAME/requirements.txt pins, first on the PATH.
venv() {
    local wanted=$root/tests/$1/requirements.txt home=$tools/$1
    if ! cmp -s "$wanted" "$home/installed.txt"; then
        needs python3:python3
        # Debian ships the module that makes environments apart from Python.
        python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
        rm -rf "$home"
        python3 -m venv "$home"
        "$home/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
        cp "$wanted" "$home/installed.txt"
    fi
    export PATH=$home/bin:$PATH
}

# A port of the loopback interface that nobody listens on.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# build_functions DIRECTORY: the functions for Lambda and the template that says where they are, with as little
# optimisation as builds fast, as every release build after it: they are tried, not measured. `venv sam` comes before it and
# last, as cargo-lambda asks its Python for the linker.
build_functions() {
    local log=$1.log
    mkdir -p "$(dirname "$1")"
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
    nice sam build --beta-features --build-dir "$1" >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "sam build failed"; }
}
