"""Drives a running local system with k6, level by level, and measures both: see `run`."""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

MIX = {"register_unchanged": 0.70, "login": 0.10, "send": 0.15, "logout": 0.05}
LEVELS, QUICK_LEVELS = [1, 2, 4, 8, 16, 32, 64, 128, 256], [1, 8, 64]
SECONDS, QUICK_SECONDS, WARM_UP = 10, 3, 3
REQUESTS = ["register_unchanged", "login_init", "login_register", "send", "logout"]
# The knee is the first level with this share of the highest throughput.
KNEE = 0.95
TICK = os.sysconf("SC_CLK_TCK")
HERE = pathlib.Path(__file__).parent


def call(method, url, body=None, headers=None):
    body = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def household(base, api, name):
    """Two people who have signed in, the first of them on the tablet too, and their registered devices (`load.js`)."""
    people = []
    for person in "ab":
        user = f"{name}-{person}"
        token = call("POST", f"{base}/_local/login", {"userId": user})["token"]
        secret = call("GET", f"{api}/init", headers={"authorization": f"Bearer {token}"})["clientSecret"]
        people.append({"userId": user, "token": token, "clientSecret": secret})
    devices = []
    for number, owner in enumerate([0, 0, 1, 1, 0]):
        device = f"{name}-{number}"
        platform = "AG"[owner]
        token = device.encode().hex().zfill(64) if platform == "A" else f"token-{device}".ljust(140, "x")
        device = {"deviceId": device, "token": token, "platform": platform}
        secret = {"clientSecret": people[owner]["clientSecret"]}
        call("POST", f"{api}/devices", {**device, "userId": people[owner]["userId"]}, secret)
        devices.append({**device, "owner": owner})
    return {"people": people, "devices": devices}


class Watch:
    """Twice a second: what the processes and the server's threads have used of the cores, and what nobody has."""

    def __init__(self, server, k6):
        self.server, self.k6 = server, k6
        self.names, self.samples = {}, []

    def look(self):
        """Takes a sample; false once k6 has ended."""
        server, k6 = cpu_seconds(self.server), cpu_seconds(self.k6)
        if server is None:
            sys.exit("the local system has ended")
        if k6 is None:
            return False
        seconds = Counter({"server": server, "k6": k6, "idle": idle_seconds()})
        self.samples.append((time.time(), seconds, *self.threads()))
        return True

    def threads(self):
        """By the name of the server's threads: seconds that they ran, and that they waited for a core."""
        ran, waited = Counter(), Counter()
        for task in os.listdir(f"/proc/{self.server}/task"):
            path = pathlib.Path(f"/proc/{self.server}/task/{task}")
            try:
                if task not in self.names:
                    self.names[task] = (path / "comm").read_text().strip()
                running, waiting, _ = (path / "schedstat").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            ran[self.names[task]] += int(running) / 1e9
            waited[self.names[task]] += int(waiting) / 1e9
        return ran, waited

    def rates(self, start, end):
        """Per second between two moments: of the processes and of nobody, of threads that ran, of threads that waited."""
        first, *before = min(self.samples, key=lambda sample: abs(sample[0] - start))
        last, *after = min(self.samples, key=lambda sample: abs(sample[0] - end))
        return [
            {name: round((later[name] - earlier[name]) / (last - first), 3) for name in later}
            for earlier, later in zip(before, after, strict=True)
        ]


def cpu_seconds(pid):
    """What a process has used so far; nothing where it has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] == "Z":
        return None
    return (int(fields[11]) + int(fields[12])) / TICK


def idle_seconds():
    """What nobody has used so far, of all cores together."""
    fields = pathlib.Path("/proc/stat").read_text().split()
    return (int(fields[4]) + int(fields[5])) / TICK


def level(base, server, work, connections, seconds, mix):
    """One level, and the errors in it by request, status and code."""
    info = call("GET", f"{base}/_local/info")
    names = [f"load-{connections}-{number}" for number in range(connections)]
    with ThreadPoolExecutor(8) as pool:
        households = list(pool.map(lambda name: household(base, info["apiUrl"], name), names))
    (work / "households.json").write_text(json.dumps(households))
    wanted = {
        "api": info["apiUrl"],
        "appSecret": info["appSecret"],
        "connections": connections,
        "warmUp": WARM_UP,
        "seconds": seconds,
        "mix": mix,
        "households": str(work / "households.json"),
        "summary": str(work / "summary.json"),
    }
    # No address: k6 would listen on a fixed port.
    quietly = ["--quiet", "--no-color", "--no-usage-report", "--address", ""]
    command = ["k6", "run", *quietly, "--log-format", "raw", str(HERE / "load.js")]
    environment = {**os.environ, "LEVEL": json.dumps(wanted)}
    with open(work / "k6.log", "w") as log:
        k6 = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    watch = Watch(server, k6.pid)
    try:
        while watch.look():
            time.sleep(0.5)
    finally:
        k6.kill()
    said = (work / "k6.log").read_text()
    if k6.wait() != 0:
        sys.exit(f"k6 failed:\n{said[-4000:]}")
    errors = Counter(said.splitlines())
    summary = json.loads((work / "summary.json").read_text())
    begun = summary["begun"]["values"]["value"] / 1000 + WARM_UP
    processes, ran, waited = watch.rates(begun, begun + seconds)
    return {
        "connections": connections,
        **speed(summary, "all", seconds),
        "errors": errors.total(),
        "server_cpu_seconds_per_second": processes["server"],
        "k6_cpu_seconds_per_second": processes["k6"],
        "idle_cores": processes["idle"],
        "server_threads_cpu_seconds_per_second": largest(ran),
        "server_threads_seconds_waiting_for_a_core_per_second": largest(waited),
        "operations": {name: speed(summary, name, seconds) for name in REQUESTS if name in summary},
    }, errors


def speed(summary, name, seconds):
    # k6 does not mention what never happened, as when every answer was wrong.
    values = summary.get(name, {"values": {"count": 0, "med": 0, "p(99)": 0}})["values"]
    return {
        "requests_per_second": round(values["count"] / seconds, 1),
        "p50_ms": round(values["med"], 2),
        "p99_ms": round(values["p(99)"], 2),
    }


def largest(rates):
    """Those that count, the largest first."""
    return {name: value for name, value in sorted(rates.items(), key=lambda pair: -pair[1]) if value >= 0.01}


def knee(levels):
    best = max(level["requests_per_second"] for level in levels)
    return next(level["connections"] for level in levels if level["requests_per_second"] >= KNEE * best)


def machine():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {"cores": os.cpu_count(), "cpu": model[1] if model else "unknown"}


def show(level):
    print(
        f"{level['connections']:>4} connections: {level['requests_per_second']:>7} requests/s, "
        f"p50 {level['p50_ms']} ms, p99 {level['p99_ms']} ms, {level['errors']} errors; "
        f"CPU of the server {level['server_cpu_seconds_per_second']}, of k6 {level['k6_cpu_seconds_per_second']}, "
        f"idle {level['idle_cores']}"
    )
    for name, values in level["operations"].items():
        rate, median, slow = values["requests_per_second"], values["p50_ms"], values["p99_ms"]
        print(f"     {name:<20}{rate:>8}/s  p50 {median:>7} ms  p99 {slow:>7} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    for name in ["base", "server", "work", "results"]:
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="three levels of 3 seconds; writes nothing")
    parser.add_argument("--only", action="append", choices=MIX, help="of the mix only this; writes nothing")
    wanted = parser.parse_args()
    connections = QUICK_LEVELS if wanted.quick else LEVELS
    seconds = QUICK_SECONDS if wanted.quick else SECONDS
    shares = {name: share for name, share in MIX.items() if not wanted.only or name in wanted.only}
    mix = {name: share / sum(shares.values()) for name, share in shares.items()}

    levels, failures = [], Counter()
    for number in connections:
        taken, errors = level(wanted.base, int(wanted.server), pathlib.Path(wanted.work), number, seconds, mix)
        levels.append(taken)
        failures += errors
        show(taken)
    print(f"knee: {knee(levels)} connections")
    if failures:
        for what, times in failures.most_common(20):
            print(f"{times} times: {what}", file=sys.stderr)
        sys.exit("there were wrong answers")
    if wanted.quick or wanted.only:
        return
    result = {
        "taken": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "mix": mix,
        "levels": levels,
        "knee": {"connections": knee(levels)},
    }
    pathlib.Path(wanted.results).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
