#!/usr/bin/env python3
"""Overlapping starts: there are never two writers.

    tests/torture/starts.py target/release/quotakeeper --rounds 2000
    tests/torture/starts.py target/release/quotakeeper --rounds 160 --seed 17
    tests/torture/starts.py target/release/quotakeeper --rounds 40 --without-lock    # the control

In bursts of eight, `once`, `run` and `apply` start within milliseconds of each other in one data folder, in which change files
lie. Each process has a base URL of its own, so that the proxy in front of the simulator knows who made which request when.
Only the holder of the lock asks the API anything. So the times between the first and the last request of each process must not
overlap those of any other. Each start must end with 0, or with 75 because another one holds the lock. After each burst
every file, dropped or handed over, is one run, each of its rows was written exactly once, and what was acknowledged is there.

In the control strace lets everybody have the lock (without the daemon, which would not end); then two must be seen at once, or
the test proves nothing.

Exits with 1 if a promise is broken, and names the folder; in the control, if none is; with 77 if it needs strace that may not
trace.
"""

import collections
import random
import signal
import sys
import time

import testbed
from testbed import hold

BURST = 8
KINDS = [["once"], ["once", "--detailed-exitcode"], ["run"], ["apply"]]
# So many bursts share a data folder and a simulator.
BURSTS = 10
NO_LOCK = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:retval=0"]


class Starts:
    def __init__(self, binary, path, dice, is_locked):
        self.is_locked, self.dice, self.api = is_locked, dice, testbed.Api(binary, dice)
        self.place = testbed.Place(binary, path, self.api, testbed.secret(dice, "smtp"))
        self.files, self.count = testbed.Files(self.api, dice), 0
        self.codes, self.writers, self.overlaps = collections.Counter(), 0, 0

    def burst(self):
        files, avoid = [], set()

        def file():
            files.append(self.files.next(plain=True, avoid=avoid))
            avoid.update(files[-1][3])
            return files[-1]

        self.api.spans.clear()
        for _ in range(self.dice.randrange(3)):
            self.place.drop(*file()[:2])
        started, before = [], [] if self.is_locked else NO_LOCK
        for _ in range(BURST):
            command = self.dice.choice(KINDS if self.is_locked else [["once"], ["apply"]])
            if command == ["apply"]:
                name, text, _, _ = file()
                with open(f"{self.place.path}/{name}", "w") as handed:
                    handed.write(text)
                command = ["apply", name]
            self.count += 1
            started.append((command[0], self.place.start(*command, before=before, TE_BASE_URL=f"{self.api.base_url}/w{self.count}")))
            time.sleep(self.dice.choice([0, 0, 0.002, 0.02]))
        self.place.no_secret_in_arguments()
        for kind, process in sorted(started, key=lambda start: start[0] == "run"):
            if kind == "run":
                self.place.wait_for(lambda: process.poll() is not None or self.place.holder() == process.pid, "the lock or its end")
                process.send_signal(signal.SIGTERM)
            code = self.place.end(process, kind)
            hold(code in (0, 75) or not self.is_locked, lambda: f"{kind} ended with {code}: {self.place.last_words()}")
            self.codes[kind, code] += 1
        self.never_two()
        if not self.is_locked:
            return
        self.place.run("once")
        wanted = collections.Counter()
        for name, _, ends, raised in files:
            self.place.file_is_one_run(name, ends)
            wanted.update((*target, value) for target, value in raised.items())
        acted = collections.Counter(self.api.take_acted())
        hold(acted == wanted, lambda: f"written {acted} instead of {wanted}")
        hold(self.api.quotas() == self.files.live, "live quotas differ")
        self.place.snapshots_are_whole(63)
        self.place.mails()
        self.place.acknowledge()

    def never_two(self):
        spans = sorted((first, last, caller) for caller, (first, last, _) in self.api.spans.items() if caller)
        for (_, end, one), (begin, _, other) in zip(spans, spans[1:]):
            self.overlaps += begin < end
            hold(begin >= end or not self.is_locked, f"{one} and {other} spoke to the API at the same time")
        self.writers += len(spans)


def main():
    asked = testbed.options(__doc__, rounds=2000, without_lock=False)
    if asked.without_lock:
        testbed.needs_strace()
    dice, codes, told = random.Random(asked.seed), collections.Counter(), time.monotonic()
    writers = overlaps = done = 0
    while done < asked.rounds:
        path = testbed.folder("starts-")
        with testbed.kept_if_broken(f"starts, after {done}", path):
            starts = Starts(asked.binary, path, random.Random(dice.randrange(1 << 64)), not asked.without_lock)
            try:
                for _ in range(min(BURSTS, -(-(asked.rounds - done) // BURST))):
                    starts.burst()
                starts.place.no_secret_in_files()
            finally:
                starts.api.close()
        done += starts.count
        codes += starts.codes
        writers += starts.writers
        overlaps += starts.overlaps
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{done} starts so far", flush=True)
    if asked.without_lock:
        print(f"without the lock: {done} starts, {writers} spoke to the API; {overlaps} times two at once")
        sys.exit(0 if overlaps else 1)
    busy = sum(count for (_, code), count in codes.items() if code == 75)
    print(f"{done} starts in bursts of {BURST}: {writers} held the lock and spoke to the API, one after the other; {busy} ended with 75; secrets found: 0")


if __name__ == "__main__":
    main()
