#!/usr/bin/env python3
"""Power cuts: what was acknowledged is there afterwards.

    sudo tests/torture/power-cuts.py target/release/quotakeeper --cuts 1000
    sudo tests/torture/power-cuts.py target/release/quotakeeper --cuts 100 --without-syncs    # the control

`once` works in a file system on a loop device: each pass takes a snapshot, applies a dropped change file and delivers mail.
At random moments the pass is stopped and what lies on the device is copied: not what the kernel still holds in memory, which
a power cut would lose. The copy is mounted. All that an earlier pass had acknowledged must be in it, byte for byte; each
dropped file must be in the inbox or in a run; no record may be torn. A kill alone could not show this, because the kernel
keeps what a killed process wrote. With syncs disabled (by eatmydata), at least 95 of 100 cuts must lose something; otherwise
the test proves nothing.

Needs root, a loop device, mkfs of the file system, and eatmydata for the control. Exits with 1 if something was lost (or, in
the control, too little) or a tool is missing, and with 77 if a loop device cannot be mounted.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import testbed

MKFS = {"ext4": (48, ["mkfs.ext4", "-q", "-F"]), "xfs": (320, ["mkfs.xfs", "-q"]), "btrfs": (160, ["mkfs.btrfs", "-q", "-f"])}
MOUNT = {"ext4": "loop", "xfs": "loop,nouuid", "btrfs": "loop"}


class Passes(threading.Thread):
    """Drops a file and does a pass, again and again."""

    def __init__(self, binary, data, environment, rows):
        super().__init__(daemon=True)
        self.binary, self.data, self.environment, self.rows = binary, data, environment, rows
        self.lock = threading.Lock()
        self.running, self.is_over = None, False
        self.acknowledged, self.dropped, self.count, self.failed = {}, [], 0, []

    def run(self):
        while not self.is_over:
            number = self.count + 1
            with self.lock:
                self.drop(f"f{number}.csv", number)
                self.running = subprocess.Popen([self.binary, "once"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            log = self.running.communicate()[1]
            if self.running.returncode != 0:
                self.failed.append(log.decode()[-500:])
            with self.lock:
                self.running, self.count, self.acknowledged = None, number, testbed.kept(self.data)

    def drop(self, name, number):
        """As a careful dropper does it: written, synced, renamed, the folder synced."""
        inbox = self.data + "/inbox"
        with open(f"{inbox}/.{name}", "w") as file:
            file.write("org_id,aid,value,comment\n")
            for row in self.rows:
                file.write(f"{row['org_id']},{row['aid']},{int(row['value']) + number},cut {number}\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{inbox}/.{name}", f"{inbox}/{name}")
        folder = os.open(inbox, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self.dropped.append(name)

    def cut(self, image, copy):
        """Copies the device while nothing moves; what had been acknowledged by then and is still kept, and what was dropped."""
        with self.lock:
            if self.running:
                self.running.send_signal(signal.SIGSTOP)
            time.sleep(0.02)
            shutil.copyfile(image, copy)
            there = [path for path in self.acknowledged if os.path.exists(f"{self.data}/{path}")]
            expected = {path: self.acknowledged[path] for path in there}
            if self.running:
                self.running.send_signal(signal.SIGCONT)
            return expected, list(self.dropped)


def lost(data, expected, dropped):
    """What is missing, changed or torn in a file system after a cut."""
    found = [path for path, wanted in expected.items() if not os.path.exists(f"{data}/{path}") or testbed.digest(f"{data}/{path}") != wanted]
    inbox = os.listdir(f"{data}/inbox")
    runs = os.listdir(f"{data}/runs") if os.path.isdir(f"{data}/runs") else []
    for name in dropped:
        stem = name.removesuffix(".csv")
        is_claimed = any(entry.endswith(f"-{stem}.claimed") for entry in inbox)
        if not (name in inbox or is_claimed or any(run.endswith(f"-{stem}") for run in runs)):
            found.append(f"inbox/{name}")
    return found + testbed.torn_records(data)


def unmount(folder):
    """Others may look into any mount for a moment: whoever copies a namespace, or measures disks."""
    for _ in range(100):
        if subprocess.run(["umount", folder], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", folder], check=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("--cuts", type=int, default=100)
    arguments.add_argument("--file-system", choices=MKFS, default="ext4")
    arguments.add_argument("--without-syncs", action="store_true")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    asked = arguments.parse_args()
    binary, dice = os.path.abspath(asked.binary), random.Random(asked.seed)
    print(f"seed {asked.seed}", flush=True)
    place = tempfile.mkdtemp(prefix="power-cuts-")
    image, copy, live, after = (f"{place}/{name}" for name in ["image", "copy", "live", "after"])
    os.mkdir(live), os.mkdir(after)
    megabytes, mkfs = MKFS[asked.file_system]
    subprocess.run(["truncate", "-s", f"{megabytes}M", image], check=True)
    subprocess.run([*mkfs, image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, live]).returncode != 0:
        shutil.rmtree(place)
        print("skipped: a loop device cannot be mounted here")
        sys.exit(77)
    data = live + "/data"
    os.makedirs(data + "/inbox")
    simulator = subprocess.Popen([binary, "simulate"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        environment = dict(os.environ)
        environment.update(simulator.stdout.readline().strip().split("=", 1) for _ in range(2))
        environment.update(
            QUOTAKEEPER__DATA__DIR=data,
            QUOTAKEEPER__INBOX__SETTLE="0s",
            QUOTAKEEPER__SCHEDULE__SNAPSHOT="* * * * * *",
            QUOTAKEEPER__API__REQUESTS_PER_MINUTE="100000",
            QUOTAKEEPER__MAIL__TRANSPORT="directory",
            QUOTAKEEPER__MAIL__FROM="quotakeeper@example.com",
            QUOTAKEEPER__MAIL__TO="noc@example.com",
        )
        exported = subprocess.run([binary, "export"], env=environment, capture_output=True, text=True, check=True).stdout
        rows = [row for row in csv.DictReader(exported.splitlines()) if row["aid"] and row["value"].isdigit()][:3]
        if asked.without_syncs:
            environment["LD_PRELOAD"] = "libeatmydata.so"
        passes = Passes(binary, data, environment, rows)
        passes.start()
        while passes.count == 0 and passes.is_alive():
            time.sleep(0.05)  # before the first pass has ended nothing can be lost
        bad = 0
        for number in range(asked.cuts):
            time.sleep(dice.random() * 0.4)
            expected, dropped = passes.cut(image, copy)
            subprocess.run(["mount", "-o", MOUNT[asked.file_system], copy, after], check=True)
            found = lost(after + "/data", expected, dropped)
            unmount(after)
            bad += bool(found)
            if found and not asked.without_syncs:
                print(f"cut {number} lost {len(found)}: {found[:3]}", flush=True)
        passes.is_over = True
        passes.join()
    finally:
        simulator.kill()
        subprocess.run(["umount", "--lazy", live])
        shutil.rmtree(place, ignore_errors=True)
    for log in passes.failed:
        print("a pass failed:", log)
    control = " without syncs" if asked.without_syncs else ""
    print(f"{asked.file_system}{control}: {asked.cuts} cuts in {passes.count} passes, {len(passes.acknowledged)} files kept; {bad} cuts lost something")
    holds = bad >= 0.95 * asked.cuts if asked.without_syncs else bad == 0
    sys.exit(0 if holds and not passes.failed else 1)


if __name__ == "__main__":
    main()
