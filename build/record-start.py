#!/usr/bin/env python3
"""Records build/start.txt: the functions that a daemon calls while it starts, for build.rs, which says what for.

    cargo rustc --release --locked --bin quotakeeper --target-dir target/start -- \\
        -C strip=none -C link-arg=-Wl,--icf=none -C link-arg=-Wl,-Map=target/start/map
    build/record-start.py target/start/release/quotakeeper target/start/map >build/start.txt

Each function must keep an address of its own (`--icf=none`), or another that was folded into it would be recorded instead. Needs
valgrind, which sees every call. A line is a pattern for symbols. Those of whole modules and types are preferred to those of single
functions, where they bring little else along: they stay true for longer, and there are fewer. To be recorded anew when the resident
memory that `benches/peers.py --only daemon` measures after the start has grown.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

# Bytes that a line may bring along, for each function that it finds: with more it would cost more pages than it saves.
MOST_BYTES = 40_000
# Among the lines that may be chosen, each function that one finds is worth so many bytes that it brings along.
WORTH_BYTES = 1_000


def called(binary, *arguments, **settings):
    """The symbols of all functions that a daemon with these settings calls before it is ready, and until it has stopped."""
    with tempfile.TemporaryDirectory() as folder:
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(f"{folder}/notify")
        told.settimeout(120)
        settings |= {"DATA__DIR": f"{folder}/data", "API__BASE_URL": "http://127.0.0.1:9/v7", "SCHEDULE__CATCH_UP": "false"}
        settings |= {"MAIL__FROM": "quotakeeper@example.com", "MAIL__TO": '["noc@example.com"]'}
        environment = {f"QUOTAKEEPER__{key}": value for key, value in settings.items()}
        environment |= {"PATH": os.environ["PATH"], "HOME": folder, "TE_TOKEN": "token", "NOTIFY_SOCKET": f"{folder}/notify"}
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", "--demangle=no"]
        command = [*valgrind, f"--callgrind-out-file={folder}/profile.%p", binary, *arguments, "run"]
        daemon = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        while b"READY=1" not in told.recv(4096):
            pass
        time.sleep(5)  # for its first pass over the inbox
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        profiles = "".join(profile.read_text() for profile in Path(folder).glob("profile.*"))
        return set(re.findall(r"^c?fn=\(\d+\) ([^\s']+)", profiles, re.MULTILINE))


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
    binary, link_map = os.path.abspath(sys.argv[1]), sys.argv[2]
    sizes = functions(link_map)
    rare = {"SCHEDULE__SNAPSHOT": "0 0 1 1 *", "SCHEDULE__USAGE_REPORT": "", "SCHEDULE__DIGEST": "", "SNAPSHOT__USAGE": "false"}
    quiet = called(binary, "--quiet", MAIL__TRANSPORT="directory", SERVER__LISTEN="127.0.0.1:0", **rare)
    every_key = Path(__file__).parent.parent / "config/quotakeeper.toml"
    whole = called(binary, "--config", str(every_key), MAIL__TRANSPORT="smtp", SMTP__HOST="127.0.0.1")
    print(*chosen(sizes, (quiet | whole) & sizes.keys()), sep="\n")


if __name__ == "__main__":
    main()
