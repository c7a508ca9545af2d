#!/usr/bin/env bash
# What the commands of this directory share: where tools are and how they get there. Sourced by bash.

# An install that failed is never taken for one that is done.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/tests/.tools
# The version of uv, which installs Python packages.
uv=0.13.9

fail() {
    echo "$0: $*" >&2
    exit 1
}

# exclusively NAME COMMAND…: runs the command while no other process runs one by this name; side by side where there is no
# flock, as on macOS.
exclusively() (
    mkdir -p "$(dirname "$tools/$1")"
    if command -v flock >/dev/null; then
        exec 9>"$tools/$1.lock"
        flock 9
    fi
    shift
    # What it leaves running does not keep the lock.
    "$@" 9>&-
)

# installed DIRECTORY FILE COMMAND…: runs the command, which fills the directory, unless it did so for what the file holds now.
installed() {
    local record=$1/installed file=$2
    cmp -s "$file" "$record" && return
    shift 2
    rm -f "$record"
    "$@"
    cp "$file" "$record"
}

# needs COMMAND:PACKAGE…: installs the Debian package of each command, or file with a path, that is missing; all in one go.
needs() {
    local missing=() pair what
    for pair in "$@"; do
        what=${pair%%:*}
        [[ $what = /* && -e $what ]] || command -v "$what" >/dev/null || missing+=("${pair#*:}")
    done
    [[ ${#missing[@]} -eq 0 ]] && return
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        fail "missing, please install: ${missing[*]}"
    fi
    exclusively apt install_debian "${missing[@]}"
}

install_debian() {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# venv NAME: a Python environment in .tools/NAME with exactly what NAME/requirements.txt pins, first on the PATH.
venv() {
    needs python3:python3
    exclusively "$1" installed "$tools/$1" "$root/tests/$1/requirements.txt" install_venv "$1"
    export PATH=$tools/$1/bin:$PATH
}

install_venv() {
    exclusively uv install_uv
    rm -rf "${tools:?}/$1"
    # Debian's Python, or whose `python3` it is: never one that uv would download.
    UV_PYTHON_DOWNLOADS=never "$tools/uv/bin/uv" venv --quiet --python "$(command -v python3)" "$tools/$1"
    "$tools/uv/bin/uv" pip install --quiet --python "$tools/$1/bin/python" -r "$root/tests/$1/requirements.txt"
}

install_uv() {
    [[ $("$tools/uv/bin/uv" --version 2>/dev/null) == "uv $uv "* ]] && return
    # Debian ships the module that makes environments apart from Python.
    python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
    rm -rf "$tools/uv"
    python3 -m venv "$tools/uv"
    "$tools/uv/bin/pip" install --quiet --disable-pip-version-check "uv==$uv"
}

# node_modules NAME: what NAME/package-lock.json pins, in .tools/NAME-node/node_modules.
node_modules() {
    needs npm:npm
    exclusively "$1-node" installed "$tools/$1-node" "$root/tests/$1/package-lock.json" install_node_modules "$1"
}

install_node_modules() {
    mkdir -p "$tools/$1-node"
    cp "$root/tests/$1/package.json" "$root/tests/$1/package-lock.json" "$tools/$1-node"
    npm ci --prefix "$tools/$1-node" --no-audit --no-fund --ignore-scripts --loglevel=error
}

# cargo_tool NAME VERSION: a program of a crate, in .tools/cargo/bin. It is started a few times and never measured.
cargo_tool() {
    exclusively "cargo-$1" install_cargo_tool "$@"
}

install_cargo_tool() {
    grep -qs "^\"$1 $2 " "$tools/cargo/.crates.toml" && return
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --root "$tools/cargo" "$1@$2"
}

# A port of the loopback interface that nobody listens on.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# readme_commands HEADLINE: what a reader of that part of the README pastes, to its next chapter.
readme_commands() {
    sed -n "/^$1/,/^## /p" "$root/README.md" | sed -n '/^```sh$/,/^```$/{/^```/d;p}'
}

# The name of each function, which is that of its folder.
function_names() {
    local main
    for main in "$root"/functions/*/src/main.rs; do
        basename "${main%/src/main.rs}"
    done
}

# build_functions [ARCHITECTURE]: builds every function as it is shipped, x86_64 or arm64, for this machine's where none is named,
# in target/lambda/NAME/bootstrap. `sam build`, releases and all commands here share this build: it is made once. Call `venv sam`
# before it and no other `venv` in between: cargo-lambda asks its Python for the linker.
build_functions() {
    local log packages here options=()
    here=$(uname -m)
    here=${here/aarch64/arm64}
    # On Linux `sam build` leaves the option out for the architecture of the machine, and the build is in another folder then.
    case ${1:-$here} in
    "$here") [[ $(uname -s) = Linux ]] || options=("--${here/_/-}") ;;
    x86_64) options=(--x86-64) ;;
    arm64) options=(--arm64) ;;
    *) fail "$1 is not an architecture of Lambda: x86_64 or arm64" ;;
    esac
    log=$(mktemp)
    mapfile -t packages < <(function_names)
    (cd "$root" && nice env -u CARGO_TARGET_DIR cargo lambda build --release --locked "${options[@]}" "${packages[@]/#/--package=}") >"$log" 2>&1 ||
        { tail -n 40 "$log" >&2; fail "the functions cannot be built"; }
    rm "$log"
}

# zip_functions DIRECTORY NAME…: what Lambda is sent of functions that are built, NAME.zip each.
zip_functions() {
    python3 - "$root" "$@" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

root, directory, *names = sys.argv[1:]
Path(directory).mkdir(parents=True, exist_ok=True)
for name in names:
    with zipfile.ZipFile(Path(directory, f"{name}.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(Path(root, "target/lambda", name, "bootstrap"), "bootstrap")
PYTHON
}

# sam_build DIRECTORY: what `sam build` makes of template.yaml, in that directory; everything is built before.
sam_build() {
    build_functions
    local log=$1.log
    mkdir -p "$(dirname "$1")"
    env -u CARGO_TARGET_DIR sam build --beta-features --build-dir "$1" >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "sam build failed"; }
    "$tools/sam/bin/python" "$root/infra/release/machine.py" "$1/template.yaml"
}
