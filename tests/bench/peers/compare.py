# SPDX-License-Identifier: MIT
"""Times twobit and its peers in turns, and prints a table of each; see --help. Figures of a busy machine mislead."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

from networks import read_network, shapes_key

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PEERS = ["oneDNN", "onnxruntime", "OpenVINO", "LiteRT"]

# What each setting of --isa allows: kernels of `twobit list kernels`, and how oneDNN is held to the same. The others
# cannot be held, and are left out.
HELD = {"all": (None, None), "vnni": ("avx512vnni", "AVX512_CORE_VNNI"), "avx2": ("avx2", "AVX2")}


class Peer:
    """A process that is asked again and again."""

    def __init__(self, name, threads, isa):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TF_CPP_MIN_LOG_LEVEL="3")
        if HELD[isa][1]:
            environment["ONEDNN_MAX_CPU_ISA"] = HELD[isa][1]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "peer.py", name, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment)

    def ask(self, folder, batch, seconds):
        """Median and least, µs a picture; or a text that says why not."""
        print(folder, batch, seconds, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        return " ".join(answer[1:]) or "it died" if not answer or answer[0] == "error" else tuple(map(float, answer))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def ask_twobit(arguments, folder, threads):
    kernels = HELD[arguments.isa][0]
    command = [arguments.twobit, "measure", "--network", folder, "--pl", "software", "--json", "-q", "--log-level",
               "error", "--threads", threads, "--batch", arguments.batch, "--time-limit", f"{arguments.seconds * 4}s"]
    done = subprocess.run([str(c) for c in command] + (["--kernels", kernels] if kernels else []), check=True,
                          stdout=subprocess.PIPE, text=True)
    time = json.loads(done.stdout)["networks"][0]["times_us"]["network"]
    return time["p50"], time["min"]


def keep_least(times, key, found):
    """The least median and the least time of the rounds; a text stands where a peer cannot."""
    before = times.get(key)
    if isinstance(found, tuple) and isinstance(before, tuple):
        found = tuple(map(min, found, before))
    times[key] = found


def run_round(arguments, folders, threads, peers, times):
    asked = {}  # one answer for networks that are the same to peers
    for name, folder in folders.items():
        keep_least(times, (name, threads, "twobit"), ask_twobit(arguments, folder, threads))
        key = shapes_key(read_network(folder))
        for peer, process in peers.items():
            if (key, peer) not in asked:
                asked[key, peer] = process.ask(folder, arguments.batch, arguments.seconds)
            keep_least(times, (name, threads, peer), asked[key, peer])
    print(".", end="", file=sys.stderr, flush=True)


def cell(found):
    return f"{found[0]:,.1f} / {found[1]:,.1f}" if isinstance(found, tuple) else "–"


def ratio(times, name, threads, peers):
    known = [times[name, threads, p] for p in peers if isinstance(times[name, threads, p], tuple)]
    return f"{min(t[0] for t in known) / times[name, threads, 'twobit'][0]:.2f}" if known else "–"


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def print_tables(arguments, folders, peers, times):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    print(f"{processor()}, {os.cpu_count()} processors; {date}; `tests/bench/peers/run {' '.join(sys.argv[1:])}`\n")
    for threads in arguments.threads:
        print(f"| {threads} thread{'s' * (threads > 1)}, batch {arguments.batch} | twobit | {' | '.join(peers)} | "
              "best peer / twobit |")
        print("| --- |" + " --: |" * (len(peers) + 2))
        for name in folders:
            cells = [cell(times[name, threads, who]) for who in ("twobit", *peers)]
            print(f"| {name} | {' | '.join(cells)} | {ratio(times, name, threads, peers)} |")
        print()
    for (name, threads, who), found in times.items():
        if not isinstance(found, tuple):
            print(f"{who}, {name}, {threads} threads: {found}")


def parse():
    parser = argparse.ArgumentParser(
        prog="run", description="Times are µs a picture, with warm caches: the least median of a round / the least "
        "time of all. Peers get the shapes of each network in 8-bit integers, and codes as input; fewer bits they "
        "do not know.")
    parser.add_argument("--twobit", default=ROOT / "build/release/twobit", help="[build/release/twobit]")
    parser.add_argument("--networks", default=ROOT / "assets/networks", type=pathlib.Path, help="folder of networks")
    parser.add_argument("--only", nargs="+", help="names of networks [all]")
    parser.add_argument("--peers", nargs="+", choices=PEERS, help="[all that --isa allows]")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each peer and network in a round")
    parser.add_argument("--isa", choices=list(HELD), default="all", help="hold twobit and oneDNN to these instructions")
    return parser.parse_args()


def main():
    arguments, times = parse(), {}
    folders = {path.parent.name: path.parent for path in sorted(arguments.networks.glob("*/network.json"))
               if not arguments.only or path.parent.name in arguments.only}
    peers = arguments.peers or (PEERS if arguments.isa == "all" else ["oneDNN"])
    running = {t: {name: Peer(name, t, arguments.isa) for name in peers} for t in arguments.threads}
    for _ in range(arguments.rounds):
        for threads in arguments.threads:
            run_round(arguments, folders, threads, running[threads], times)
    print(file=sys.stderr)
    for processes in running.values():
        for process in processes.values():
            process.end()
    print_tables(arguments, folders, peers, times)


if __name__ == "__main__":
    main()
