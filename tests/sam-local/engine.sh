#!/usr/bin/env bash
# A Docker engine of one's own: beside one that may run already, with no rule of the firewall and no way out. Sourced by
# bash; engine_starts and engine_ends.

# engine_starts: sets $bridge, the address of this machine as containers see it, and DOCKER_HOST.
engine_starts() {
    local net tries
    engine=$(mktemp -d /tmp/userpush-engine.XXXXXX)
    for ((net = 1; net < 255; net++)); do
        [[ $(ip -4 route) = *"10.213.$net."* ]] || break
    done
    bridge=10.213.$net.1
    engine_bridge=userpush$net
    ip link add "$engine_bridge" type bridge
    ip address add "$bridge/24" dev "$engine_bridge"
    ip link set "$engine_bridge" up
    export DOCKER_HOST=unix://$engine/docker.sock
    dockerd --host "$DOCKER_HOST" --data-root "$engine/data" --exec-root "$engine/exec" --pidfile "$engine/docker.pid" \
        --bridge "$engine_bridge" --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false \
        >"$engine/log" 2>&1 &
    engine_pid=$!
    for ((tries = 0; tries < 300; tries++)); do
        docker version >/dev/null 2>&1 && return
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$engine/log" >&2
    fail "the Docker engine does not start; it needs root, bridges and control groups"
}

# engine_ends: nothing is left of it, or of what did start.
engine_ends() {
    local containers tries
    [[ -n ${engine:-} ]] || return 0
    if [[ -n ${engine_pid:-} ]] && kill -0 "$engine_pid" 2>/dev/null; then
        mapfile -t containers < <(docker ps --all --quiet)
        [[ ${#containers[@]} -eq 0 ]] || docker rm --force "${containers[@]}" >/dev/null || true
        kill "$engine_pid"
        for ((tries = 0; tries < 200; tries++)); do
            kill -0 "$engine_pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$engine_pid" 2>/dev/null || true
        wait "$engine_pid" 2>/dev/null || true
    fi
    ip link delete "$engine_bridge" 2>/dev/null || true
    grep -oE " $engine/[^ ]+" /proc/mounts | xargs --no-run-if-empty umount --lazy || true
    rm -rf "$engine"
}

# engine_image TEMPLATE: what SAM takes for Lambda's base image, but with nothing in it that the bootstraps beside the
# template do not need.
engine_image() {
    local image=$engine/image library command
    mkdir -p "$image"/{bin,tmp,var/task,var/rapid}
    cp "$(command -v busybox)" "$image/bin/busybox"
    for command in sh mv chmod mkdir rm ls cat; do
        ln -s busybox "$image/bin/$command"
    done
    while read -r library; do
        mkdir -p "$image$(dirname "$library")"
        cp -L "$library" "$image$library"
    done < <(ldd "$(dirname "$1")"/*/bootstrap "$image/bin/busybox" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u)
    tar -C "$image" -c . | docker import --change 'WORKDIR /var/task' --change 'ENV PATH=/bin' - \
        public.ecr.aws/lambda/provided:al2023-x86_64 >/dev/null
}
