#!/usr/bin/env bash
# Servers that a command starts, waits for and ends. Sourced by bash, after $work names a directory for what they write.

# shellcheck disable=SC2154 # $work
started=()
# Each is a group of processes: some start others.
ends() {
    local pid
    for pid in "${started[@]}"; do
        kill -- "-$pid" 2>/dev/null || true
    done
    wait "${started[@]}" 2>/dev/null || true
    for pid in "${started[@]}"; do
        kill -9 -- "-$pid" 2>/dev/null || true
    done
}
trap ends EXIT
trap 'exit 130' INT TERM

# starts NAME COMMAND…: in the background, in a group of its own; writes to NAME.out and NAME.log.
starts() {
    local name=$1
    shift
    set -m
    "$@" >"$work/$name.out" 2>"$work/$name.log" </dev/null &
    set +m
    started+=($!)
}

# starts_local NAME OPTION…: the local system, on a free port.
starts_local() {
    local name=$1
    shift
    # Built first, so that waiting for it to listen is not waiting for the compiler.
    cargo build --quiet --locked -p local
    starts "$name" "${CARGO_TARGET_DIR:-$root/target}/debug/local" --port 0 "$@"
}

# until_succeeds COMMAND…: waits until it succeeds, at most a minute, or until something that was started has ended.
until_succeeds() {
    local tries pid
    for ((tries = 0; tries < 600; tries++)); do
        "$@" 2>/dev/null && return
        for pid in "${started[@]}"; do
            kill -0 "$pid" 2>/dev/null || break 2
        done
        sleep 0.1
    done
    tail -n 20 "$work"/*.log >&2
    fail "did not come up"
}

# Where a server says that it listens.
listening() {
    sed -n 's/^listening on //p' "$work/$1.out" | grep .
}
