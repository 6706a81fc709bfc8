#!/usr/bin/env python3
"""Records build/start.txt: the functions that a daemon calls while it starts, for build.rs, which says what for.

    QUOTAKEEPER_RECORD_START=target/start/map CARGO_PROFILE_RELEASE_STRIP=none \\
        cargo build --release --locked --target-dir target/start
    build/record-start.py target/start/release/quotakeeper target/start/map

In that build each function keeps an address of its own; else another that was folded into it would be recorded instead. Needs valgrind,
which sees every call. A line is a pattern for symbols. Those of whole modules and types are preferred to those of single functions, where
they bring little else along: they stay true for longer, and there are fewer. To be recorded anew when the resident memory after the start,
which `benches/peers.py --only daemon` measures, has grown.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
START = REPOSITORY / "build/start.txt"

# A pattern may bring so many bytes of other functions along for each that it finds: with more it would cost more pages than it saves.
MOST_BYTES = 40_000
# When patterns are ranked, a function that one finds makes up for so many bytes of others.
WORTH_BYTES = 1_000


def called(binary, *arguments, **settings):
    """The symbols of all functions that a daemon with these settings calls from its start until it has stopped, seconds later."""
    with tempfile.TemporaryDirectory() as folder:
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(f"{folder}/notify")
        told.settimeout(1)
        settings |= {"DATA__DIR": f"{folder}/data", "API__BASE_URL": "http://127.0.0.1:9/v7", "SCHEDULE__CATCH_UP": "false"}
        settings |= {"MAIL__FROM": "quotakeeper@example.com", "MAIL__TO": '["noc@example.com"]'}
        environment = {f"QUOTAKEEPER__{key}": value for key, value in settings.items()}
        environment |= {"PATH": os.environ["PATH"], "HOME": folder, "TE_TOKEN": "token", "NOTIFY_SOCKET": f"{folder}/notify"}
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", "--demangle=no"]
        command = [*valgrind, f"--callgrind-out-file={folder}/profile.%p", binary, *arguments, "run"]
        log = Path(folder, "log")
        daemon = subprocess.Popen(command, env=environment, stderr=log.open("wb"))
        try:
            wait_until_ready(daemon, told)
            time.sleep(5)  # for its first pass over the inbox
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=60)
        except (TimeoutError, subprocess.TimeoutExpired):
            pass
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        if daemon.returncode:
            sys.exit(f"the daemon did not start, or did not stop as it should ({daemon.returncode}):\n{log.read_text()[-2000:]}")
        profiles = "".join(profile.read_text() for profile in Path(folder).glob("profile.*"))
        return set(re.findall(r"^c?fn=\(\d+\) ([^\s']+)", profiles, re.MULTILINE))


def wait_until_ready(daemon, told):
    for _ in range(120):
        try:
            if b"READY=1" in told.recv(4096):
                return
        except TimeoutError:
            if daemon.poll() is not None:
                break
    raise TimeoutError


def functions(link_map):
    """The size of each function, by its symbol. Each has a section that is named after it."""
    section = r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ .*:\(\.text\.(?:unlikely\.)?(\S+)\)$"
    return {symbol: int(size, 16) for size, symbol in re.findall(section, Path(link_map).read_text(), re.MULTILINE)}


def patterns(symbol):
    """What this function may be found by, alone or with others: its symbol without the parts that differ from compiler to compiler,
    and each path in it. `3std2io5Write` is a path, in both ways of mangling, and `std..io..Write` is one in the older."""
    symbol = re.sub(r"17h[0-9a-f]{16}E.*|(\.llvm)?\.\d+$", "", symbol)
    symbol = re.sub("Cs[0-9A-Za-z]+_", "Cs*_", symbol)
    found = {f"{symbol}*"}
    for path in re.findall(r"\w+(?:\.\.\w+)+", symbol):
        parts = path.split("..")
        found |= {f"*{path}*"} | {"*" + "..".join(parts[:end]) + "..*" for end in range(1, len(parts))}
    for crate in re.finditer(r"_(?:ZN)?(?=\d)", symbol):
        end = crate.end()
        while length := re.match(r"\d+", symbol[end:]):
            name = symbol[end + len(length[0]) :][: int(length[0])]
            if not re.fullmatch(r"[a-zA-Z_]\w+", name):
                break
            end += len(length[0]) + int(length[0])
            found.add(f"*{symbol[crate.end() : end]}*")
    return found


def chosen(sizes, hot):
    """Patterns that together find every function of `hot`: first those that find many and bring little along."""
    finds = defaultdict(set)
    for symbol in sizes:
        for pattern in sorted(patterns(symbol)):  # so that the same of two equal ones is chosen each time
            finds[pattern].add(symbol)
    moved = set()
    while True:
        best, most = None, 0
        for pattern, symbols in list(finds.items()):
            new = symbols - moved
            if not (calls := len(new & hot)):
                del finds[pattern]
                continue
            others = sum(sizes[symbol] for symbol in new - hot)
            worth = calls * WORTH_BYTES - others
            if others <= calls * MOST_BYTES and (best is None or worth > most):
                best, most = pattern, worth
        if best is None:
            return
        yield best
        moved |= finds.pop(best)


def main():
    parser = argparse.ArgumentParser(description="Records build/start.txt: the functions that a daemon calls at its start.")
    parser.add_argument("binary", type=Path, help="a release that was built with QUOTAKEEPER_RECORD_START")
    parser.add_argument("map", type=Path, help="the linker's map that this build wrote")
    given = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing: install it")
    binary, sizes = given.binary.resolve(), functions(given.map)
    never = {"SCHEDULE__SNAPSHOT": "0 0 1 1 *"}
    few = never | {"SCHEDULE__USAGE_REPORT": "", "SCHEDULE__DIGEST": "", "SNAPSHOT__USAGE": "false"}
    quiet = called(binary, "--quiet", MAIL__TRANSPORT="directory", SERVER__LISTEN="127.0.0.1:0", **few)
    every_key = REPOSITORY / "config/quotakeeper.toml"
    whole = called(binary, "--config", str(every_key), MAIL__TRANSPORT="smtp", SMTP__HOST="127.0.0.1", **never)
    lines = list(chosen(sizes, (quiet | whole) & sizes.keys()))
    if not lines:
        sys.exit("no function of the map was called: is the map of this binary, and are its symbols there?")
    START.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
