#!/usr/bin/env python3
"""System calls: after a kill, or an error of the disk, at any of them the next start continues, and nothing was a false success.

    tests/torture/syscalls.py target/release/quotakeeper                   # a kill at each call that changes something
    tests/torture/syscalls.py target/release/quotakeeper --errors          # EIO, ENOSPC, EDQUOT, EROFS at each of them
    tests/torture/syscalls.py target/release/quotakeeper --rounds 60 --seed 17    # a sample

Six works are traced once: a snapshot, the run of a dropped file (raises, a refused row, a held row), a delivery of two mails
to a real server, a prune (snapshots, mail, runs and leftovers), a daemon that takes a file and reloads its configuration, and an
`apply` that hands its file to a daemon.
Then each is done again and again from the same data folder, and strace kills it at the first, second, third … of its calls
that make, write, sync, move or remove something or speak to a server. With `--errors` the call fails instead: once, or that one
and all later ones.

After a fault: what ended with success is there; a row that is `applied` is live. After a clean start: the work is done as if
nothing had happened, each write reached the API once, each mail the server, and no secret is anywhere. (strace counts the calls
of each thread by itself. The disk is the main thread's alone, so that errors strike no other: an error where a thread wakes
another one is no disk's.)

Exits with 1 if a promise is broken, and names the folder; with 77 where strace may not trace.
"""

import collections
import contextlib
import csv
import glob
import os
import random
import re
import shutil
import signal
import time

import testbed
from testbed import Broken, hold

DISK = ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat"]
DISK += ["rmdir", "mkdir", "mkdirat", "ftruncate", "fallocate", "fchmod", "chmod", "fchown", "copy_file_range", "symlinkat"]
NETWORK = ["connect", "sendto", "writev"]
WAKES_A_THREAD = r', "\1\0\0\0\0\0\0\0", 8)'
ERRORS = ["error=EIO:when={}", "error=ENOSPC:when={}+", "error=EDQUOT:when={}", "error=EROFS:when={}+"]
WORKS = ["snapshot", "run", "outbox", "prune", "reload", "apply"]
OLD = 200 * 86400


class Torture:
    def __init__(self, binary, path, dice, is_disk_alone):
        self.is_disk_alone = is_disk_alone
        self.dice, self.api = dice, testbed.Api(binary, dice)
        password = testbed.secret(dice, "smtp")
        self.mail = testbed.MailServer(f"{path}/mail", password)
        self.place = testbed.Place(binary, path, self.api, password)
        self.place.environment.update(
            QUOTAKEEPER_CONFIG=f"{path}/quotakeeper.toml", QUOTAKEEPER__DATA__KEEP='{ hourly = 2, daily = 1, monthly = 1 }'
        )
        self.strace_log, self.templates = f"{path}/strace.log", {}
        self.configure("")

    def configure(self, prefix):
        with open(f"{self.place.path}/quotakeeper.toml", "w") as file:
            file.write(f'[mail]\nsubject_prefix = "{prefix}"\n')

    # Where each work begins.

    def prepare(self):
        """What the works begin from. Its mail is delivered as files."""
        place, files = self.place, testbed.Files(self.api, self.dice)
        for _ in range(2):
            name, text, _, _ = files.next()
            place.drop(name, text)
            place.run("once")
        self.keep("snapshot")
        self.keep("run")
        self.keep("reload")
        self.keep("apply")
        self.age()
        self.keep("prune")
        self.restore("run")
        place.use(1)  # where nobody listens
        for _ in range(2):
            name, text, _, _ = files.next()
            place.drop(name, text)
            place.run("inbox", expected=(0, 4))
        place.use(self.mail.port)
        place.mail = self.mail
        self.keep("outbox")

    def keep(self, work):
        self.templates[work] = f"{self.place.path}/template-{work}"
        shutil.copytree(self.place.data, self.templates[work])

    def restore(self, work):
        shutil.rmtree(self.place.data)
        shutil.copytree(self.templates[work], self.place.data)

    def age(self):
        """As if this had been months ago: snapshots, mail, a run, and what a killed write left."""
        data = self.place.data
        now, then = time.gmtime(), time.gmtime(time.time() - OLD)
        for path in glob.glob(f"{data}/history/*/*/*.csv")[:1]:
            with open(path) as file:
                text = file.read()
            taken = re.search(r"^(\d{4}-\d\d-\d\dT[\d:]+Z),", text, re.M)[1]
            folder = time.strftime(f"{data}/history/year=%Y/month=%m", then)
            os.makedirs(folder)
            for hour in range(4):
                at = time.strftime(f"%Y-%m-%dT{hour:02}:00:00Z", then)
                with open(f"{folder}/{at.replace(':', '-')}.csv", "w") as file:
                    file.write(text.replace(taken, at))
        mails = sorted(glob.glob(f"{data}/outbox/sent/*.eml"))
        for path in [mails[0], mails[0][:-3] + "json"]:
            os.rename(path, f"{data}/outbox/sent/{time.strftime('%Y%m%d', then)}{os.path.basename(path)[8:]}")
        run = sorted(glob.glob(f"{data}/runs/*-f1"))[0]
        old = f"{data}/runs/{time.strftime('%Y%m%d', then)}{os.path.basename(run)[8:]}"
        os.rename(run, old)
        with open(f"{old}/run.json") as file:
            record = file.read()
        for form in ["%Y%m%d", "%Y-%m-%d"]:
            record = record.replace(time.strftime(form, now), time.strftime(form, then))
        with open(f"{old}/run.json", "w") as file:
            file.write(record)
        for folder in [data, old, f"{data}/outbox/new"]:
            with open(f"{folder}/.new-0123456789abcdef", "w") as file:
                file.write("half")
            os.utime(file.name, (time.time() - OLD, time.time() - OLD))

    def begin(self, work):
        self.restore(work)
        self.place.acknowledged = {} if work == "prune" else testbed.kept(self.place.data)
        self.live = self.api.quotas()
        self.files, self.file = testbed.Files(self.api, self.dice, "new"), None
        self.configure("")
        self.api.take_acted()
        self.deliveries = testbed.Deliveries(self.place, self.mail)
        self.snapshots = len(glob.glob(f"{self.place.data}/history/*/*/*.csv"))
        if work in ("run", "reload", "apply"):
            self.file = self.files.next(held=True)
        if work in ("run", "reload"):
            self.place.drop(*self.file[:2])

    # The works.

    def traced(self, work, *options):
        """Does it under strace; how it ended."""
        threads = [] if self.is_disk_alone else ["-f"]
        before = ["strace", *threads, "-qq", "-o", self.strace_log, *options]
        if work == "apply":
            return self.apply(before)
        process = self.place.start({"run": "inbox", "reload": "run"}.get(work, work), before=before)
        if work == "reload":
            self.reload(process)
        return self.place.end(process, f"{work} under strace")

    def apply(self, before):
        name, text, _, _ = self.file
        with open(f"{self.place.path}/{name}", "w") as handed:
            handed.write(text)
        daemon = self.place.start("run")
        self.place.wait_for(lambda: self.place.says('"running"'), "the daemon", daemon)
        code = self.place.end(self.place.start("apply", name, before=before), "apply under strace")
        daemon.send_signal(signal.SIGTERM)
        hold(self.place.end(daemon, "run") == 0, "SIGTERM did not end the daemon with 0")
        return code

    def reload(self, process):
        def until(condition, seconds):
            end = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < end and not condition():
                time.sleep(0.005)

        until(self.place.is_quiet, 5)  # with a fault it may never be
        self.configure("[reloaded]")
        self.tell(process, signal.SIGHUP)
        until(lambda: self.place.says("configuration was read again"), 2)
        self.tell(process, signal.SIGTERM)

    def tell(self, strace, what):
        with contextlib.suppress(ProcessLookupError):
            if child := self.child(strace):
                os.kill(child, what)

    def child(self, strace):
        """The process that strace started; none once it has ended."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{strace.pid}/task/{strace.pid}/children") as file:
                return int(file.read().split()[0])
        return None

    # What must hold.

    def no_false_success(self, work, code):
        place = self.place
        if work == "snapshot" and code == 0:
            hold(len(glob.glob(f"{place.data}/history/*/*/*.csv")) > self.snapshots, "`snapshot` ended with 0, and there is none")
        if work in ("run", "apply") and code in (0, 4, 5):
            place.file_is_one_run(self.file[0], self.file[2])
        if work == "outbox" and code == 0:
            waiting = [message for message, mail in place.mails().items() if mail["folder"] != "sent"]
            hold(not waiting, f"`outbox` ended with 0, and {waiting} wait")
        if work == "prune" and code == 0:
            hold(self.paths() == self.pruned, lambda: f"`prune` ended with 0: {self.paths() ^ self.pruned}")
        live = self.api.quotas()
        for path in glob.glob(f"{place.data}/runs/*/success.csv"):
            if os.path.relpath(path, place.data) not in place.acknowledged and work != "prune":
                with open(path, newline="") as file:
                    for row in csv.DictReader(file):
                        is_live = live.get((row["org_id"], row["aid"])) == int(row["value"])
                        hold(row["status"] != "applied" or is_live, f"{row} is applied, and not live")

    def paths(self):
        """What `prune` may remove."""
        patterns = ["history/*/*/*.csv", "runs/*/*", "outbox/sent/*", "inbox/answers/*/*", ".new-*", "*/*/.new-*"]
        return {os.path.relpath(path, self.place.data) for pattern in patterns for path in glob.glob(f"{self.place.data}/{pattern}")}

    def heals(self, work):
        place = self.place
        self.api.settle()
        place.nothing_lost()
        self.deliveries.note()
        command = {"run": "inbox", "reload": "once", "apply": "once"}.get(work, work)
        place.run(command, expected=(0, 4, 5) if work == "run" else (0,))
        if work == "prune":
            place.leftovers_go(most=2)  # what the kill itself left is too young for the first one
            hold(self.paths() == self.pruned, lambda: f"after a clean prune: {self.paths() ^ self.pruned}")
        else:
            place.snapshots_are_whole(63)
        place.run("outbox")  # what a fault cut off, and what tells of the fault
        place.nothing_lost()
        acted = collections.Counter(self.api.take_acted())
        wanted = collections.Counter()
        mails = place.mails()
        if work == "apply":
            place.leftovers_go(most=6)
            if not any(run["file"] == self.file[0] for run in place.runs()):
                self.file, self.files.live = None, self.live  # it was not begun when its command was killed
        if self.file:
            name, _, ends, raised = self.file
            run = place.file_is_one_run(name, ends)
            wanted.update((*target, value) for target, value in raised.items())
            of_run = [mail for mail in mails.values() if mail.get("thread") == run]
            hold(1 <= len(of_run) <= 2, f"{len(of_run)} mails of {run}")
        hold(acted == wanted, lambda: f"written {acted} instead of {wanted}")
        hold(self.api.quotas() == self.files.live, "live quotas differ")
        waiting = [message for message, mail in mails.items() if mail["folder"] != "sent"]
        hold(not waiting, f"not sent: {waiting}")
        self.deliveries.note()

    def clean(self, work):
        """The work without a fault; the calls that change something, as (call, which of its thread)."""
        self.begin(work)
        code = self.traced(work, "-e", f"trace={','.join(DISK + NETWORK)}")
        hold(code in (0, 4, 5), lambda: f"{work} without a fault ended with {code}: {self.place.last_words()}")
        if work == "prune":
            self.pruned = self.paths()
            gone = {os.path.relpath(path, self.templates[work]) for path in glob.glob(f"{self.templates[work]}/*/*/*/*.csv")} - self.pruned
            hold(gone, "the prune removes nothing")
        if work == "reload":
            hold(self.place.says("configuration was read again"), "the daemon did not reload")
        self.no_false_success(work, code)
        self.heals(work)
        seen, found = collections.Counter(), set()
        with open(self.strace_log) as file:
            for thread, call, rest in re.findall(r"^(?:(\d+) +)?(\w+)\((.*)", file.read(), re.M):
                seen[thread, call] += 1
                changes = call != "openat" or "O_CREAT" in rest or "O_TRUNC" in rest
                if changes and not (self.is_disk_alone and (call in NETWORK or WAKES_A_THREAD in rest)):
                    found.add((call, seen[thread, call]))
        return sorted(found)

    def trial(self, work, call, nth, fault):
        """Whether it came to that call."""
        self.begin(work)
        code = self.traced(work, "-e", f"trace={call}", "-e", f"inject={call}:{fault.format(nth)}")
        with open(self.strace_log) as file:
            log = file.read()
        is_struck = "INJECTED" in log or "killed by SIGKILL" in log
        self.no_false_success(work, code)
        self.heals(work)
        return is_struck

    def close(self):
        self.api.close()
        self.mail.close()


def main():
    asked = testbed.options(__doc__, rounds=0, errors=False, only="")
    testbed.needs_mail_server()
    testbed.needs_strace()
    dice, path = random.Random(asked.seed), testbed.folder("syscalls-")
    with testbed.kept_if_broken("system calls", path):
        torture = Torture(asked.binary, path, dice, is_disk_alone=asked.errors)
        try:
            torture.prepare()
            plan = []
            for work in WORKS:
                calls = torture.clean(work)
                print(f"{work}: {len(calls)} calls that change something", flush=True)
                for call, nth in calls:
                    faults = ERRORS if asked.errors else ["signal=SIGKILL:when={}"]
                    if call == "write":  # of the later ones some wake a thread
                        faults = [fault for fault in faults if not fault.endswith("+")]
                    plan += [(work, call, nth, fault) for fault in faults]
            if asked.only:
                plan = [step for step in plan if step[0] in asked.only.split(",")]
            if asked.rounds and asked.rounds < len(plan):
                plan = dice.sample(plan, asked.rounds)
            struck, told = collections.Counter(), time.monotonic()
            for number, step in enumerate(plan):
                try:
                    struck[step[0]] += torture.trial(*step)
                except Broken as broken:
                    raise Broken(f"{step[0]}, {step[3].format(step[2])} at {step[1]}: {broken}") from broken
                if time.monotonic() - told > 60:
                    told = time.monotonic()
                    print(f"{number + 1} of {len(plan)} so far", flush=True)
            torture.place.no_secret_in_files()
            hold(sum(struck.values()) >= 0.8 * len(plan), f"of {len(plan)} faults only {struck} struck")
        finally:
            torture.close()
    parts = ", ".join(f"{work} {count}" for work, count in struck.items())
    what = "errors" if asked.errors else "kills"
    print(f"{sum(struck.values())} {what} at {len(plan)} calls ({parts}): no false success, all recovered; secrets found: 0")


if __name__ == "__main__":
    main()
