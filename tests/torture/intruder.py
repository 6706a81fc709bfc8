#!/usr/bin/env python3
"""An intruder who may write into the inbox, the answers and the working folder reads and writes nothing else.

    sudo tests/torture/intruder.py target/release/quotakeeper --rounds 100000
    sudo tests/torture/intruder.py target/release/quotakeeper --rounds 5000 --seed 17

A process of another user (nobody, if this runs as root) makes one move after the other, each a round: it exchanges change files for
symbolic and hard links, FIFOs, sockets and folders, also under the names that quotakeeper gives to what it is taking; it changes sizes,
times and rights; it uses names with control characters; it puts links in the place of answers; it plants a configuration and
secrets where commands run. Meanwhile `once` and the daemon work, one after the other, with a longer time for each request than
usual.

Outside lie canaries: change files that only root may read, one that anybody may link to, and the planted secrets. Their contents
must be in no run, answer, mail or log, and not be live; nothing outside is changed or added. No command hangs or leaves
half-written files, the daemon's memory and open files stay small, and no control character reaches the log. Afterwards a good file
is applied as ever.

Exits with 1 if a promise is broken, and names the folder.
"""

import collections
import glob
import mmap
import os
import random
import shutil
import signal
import socket
import stat
import time

import testbed
from testbed import hold

NOBODY = 65534
NAMES = ["x.csv", "y.csv", "z.tsv", "x.CSV", "\x1b[31mred.csv", "two\nlines.csv", "bell\x07.csv", "‮vsc.csv", "-rf.csv", "..csv"]
NAMES += ["$(touch pwned).csv", "=cmd.csv", "a" * 251 + ".csv", ".20261122T180500Z-x.claimed", ".new-0123456789abcdef", "q.xlsx", "x.csv.part"]
# Mebibytes that the daemon may take, and files that it may have open.
MOST_MEMORY, MOST_OPEN = 128, 200
# So many passes and daemons there are at least, however fast the intruder is.
FEWEST = 20


class Intruder:
    """What the other process does. It may fail at any of it: somebody else works in the same folders."""

    def __init__(self, place, canaries, targets, dice):
        self.inbox, self.answers, self.work = place.inbox, place.answers, place.work
        self.dice, self.targets = dice, targets
        self.outside = canaries + [f"{place.data}/state.json", f"{place.data}/lock", f"{place.path}/token", f"{place.path}/password", "/etc/shadow"]
        self.endless = ["/dev/zero", "/dev/tty", "/proc/self/environ", f"{place.inbox}/loop.csv", f"{place.path}/outside"]

    def moves(self, counter):
        moves = [self.write, self.write, self.grow, self.exchange, self.exchange, self.exchange, self.claimed, self.claimed]
        moves += [self.answer, self.answer, self.plant, self.touch, self.tidy]
        while True:
            try:
                self.dice.choice(moves)()
            except OSError:
                pass
            counter[:8] = (int.from_bytes(counter[:8], "little") + 1).to_bytes(8, "little")
            if self.dice.random() < 0.03:
                time.sleep(self.dice.random() * 0.1)  # else no file would ever be there for long enough

    def text(self):
        org, aid = self.dice.choice(self.targets)
        word = self.dice.choice(["1", "none", "=1+1", "\x1b[2J", "9" * 30])
        return f"org_id,aid,value,comment\n{org},{aid},{word},x\n".encode() * self.dice.choice([1, 1, 2, 50])

    def name(self):
        return f"{self.inbox}/{self.dice.choice(NAMES)}"

    def write(self):
        path = self.name()
        remove(path)
        with open(path, "xb") as file:
            file.write(self.text())

    def grow(self):
        """Only what is its own: the canary that it may write stays as it is."""
        descriptor = os.open(self.name(), os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW)
        with open(descriptor, "wb") as file:
            if os.fstat(descriptor).st_nlink > 1:
                return
            if self.dice.random() < 0.5:
                file.write(self.text())
            else:
                file.truncate(self.dice.choice([0, 3, 1 << 20, 100 << 20]))

    def make(self, path):
        """Something under this name that is not what it seems."""
        kind = self.dice.randrange(8)
        if kind < 3:
            os.symlink(self.dice.choice(self.outside + self.endless), path)
        elif kind == 3:
            os.link(self.dice.choice(self.outside), path)
        elif kind == 4:
            os.mkfifo(path, 0o666)
        elif kind == 5:
            os.mkdir(path)
            os.symlink(self.dice.choice(self.outside), f"{path}/x.csv")
        elif kind == 6:
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(path)
        else:
            with open(path, "wb") as file:
                file.write(self.text())

    def put(self, path):
        """In one step in the place of what is there."""
        made = f"{self.work}/made{self.dice.randrange(4)}"
        remove(made)
        self.make(made)
        if os.path.isdir(path) != os.path.isdir(made):
            remove(path)
        os.rename(made, path)

    def exchange(self):
        self.put(self.name())

    def claimed(self):
        """What is being taken at this moment."""
        for name in os.listdir(self.inbox):
            if name.endswith(".claimed"):
                self.put(f"{self.inbox}/{name}")

    def answer(self):
        below = glob.glob(f"{self.answers}/*") + glob.glob(f"{self.answers}/*/*") + glob.glob(f"{self.answers}/.*")
        path = self.dice.choice(below) if below and self.dice.random() < 0.8 else f"{self.answers}/{self.dice.choice(NAMES)}"
        if self.dice.random() < 0.3:
            remove(path)
            os.symlink(self.dice.choice([*self.outside, os.path.dirname(self.outside[0])]), path)
        else:
            self.put(path)

    def plant(self):
        name = self.dice.choice(["quotakeeper.toml", "te_token", "smtp_password", "templates", ".env", "routes.csv", "quotakeeper-data"])
        path = f"{self.work}/{name}"
        remove(path)
        if self.dice.random() < 0.5:
            with open(path, "w") as file:
                file.write(f'[api]\nbase_url = "http://127.0.0.1:1"\n[data]\ndir = "{os.path.dirname(self.outside[0])}"\n')
        else:
            os.symlink(self.dice.choice(self.outside), path)

    def touch(self):
        path = self.name()
        if os.path.islink(path) or os.stat(path).st_nlink > 1:
            return
        at = self.dice.choice([0, time.time() - 60, 1 << 33])
        os.utime(path, (at, at)) if self.dice.random() < 0.5 else os.chmod(path, self.dice.choice([0, 0o444, 0o666, 0o4777]))

    def tidy(self):
        for folder in [self.inbox, self.answers]:
            for name in os.listdir(folder):
                if self.dice.random() < 0.3:
                    remove(f"{folder}/{name}")


def remove(path):
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)
    except OSError:
        pass


class Attack:
    def __init__(self, binary, path, dice):
        self.dice, self.path, is_root = dice, path, os.geteuid() == 0
        self.api = testbed.Api(binary, dice, latency=0.003)
        place = self.place = testbed.Place(binary, path, self.api, testbed.secret(dice, "smtp"))
        place.answers, place.work = f"{path}/answers", f"{path}/work"
        place.environment.update(QUOTAKEEPER__INBOX__ANSWERS_DIR=place.answers, QUOTAKEEPER__INBOX__DIR=f"{path}/inbox")
        place.inbox = f"{path}/inbox"
        os.chmod(path, 0o711)
        for folder in [place.inbox, place.answers, place.work]:
            os.mkdir(folder)
            os.chmod(folder, 0o777)
        place.cwd = place.work
        files = testbed.Files(self.api, dice, "good")
        # Rows of the intruder, and those of the file that is to work afterwards.
        targets = [target for target in files.live if target[1]]
        self.intruders, self.files = set(targets[::2]), files
        self.words, canaries = [testbed.secret(dice, "canary") for _ in range(2)], []
        os.mkdir(f"{path}/outside")
        for word, mode in zip(self.words, [0o600, 0o666]):
            org, aid = targets[0]
            canaries.append(f"{path}/outside/{mode:o}.csv")
            with open(canaries[-1], "w") as file:
                file.write(f"org_id,aid,value,comment\n{org},{aid},7654321,{word}\n")
            os.chmod(canaries[-1], mode)
        place.secrets += self.words
        place.run("once")
        self.before = self.outside()
        self.counter = mmap.mmap(-1, 8)
        seed = dice.randrange(1 << 64)
        self.process = os.fork()
        if self.process == 0:
            try:
                if is_root:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                os.umask(0)
                Intruder(place, canaries, sorted(self.intruders), random.Random(seed)).moves(self.counter)
            finally:
                os._exit(1)
        self.passes, self.memory, self.open = collections.Counter(), 0, 0

    def moves(self):
        return int.from_bytes(self.counter[:8], "little")

    def outside(self):
        """{path: what is there} of all that neither quotakeeper nor the intruder has to change."""
        found = {}
        for root, folders, names in os.walk(self.path):
            if root == self.path:
                folders[:] = [name for name in folders if name not in ("data", "inbox", "answers", "work")]
                names = [name for name in names if name != "log"]
            for name in names:
                path = f"{root}/{name}"
                found[path] = (testbed.digest(path), stat.filemode(os.stat(path).st_mode))
        return found

    def work(self, rounds):
        while self.moves() < rounds or self.passes.total() < FEWEST:
            hold(os.waitpid(self.process, os.WNOHANG) == (0, 0), "the intruder ended")
            if self.dice.random() < 0.6:
                # Some of what lies there fails its job; all that counts is that it ends.
                self.place.run("once", expected=(0, 1))
                self.passes["once"] += 1
                continue
            daemon = self.place.start("run")
            end = time.monotonic() + 1 + self.dice.random() * 2
            while time.monotonic() < end and daemon.poll() is None:
                self.measure(daemon.pid)
                time.sleep(0.1)
            hold(daemon.poll() is None, lambda: f"the daemon ended: {self.place.last_words()}")
            self.place.no_secret_in_arguments()
            daemon.send_signal(signal.SIGTERM)
            code = self.place.end(daemon, "run")
            hold(code == 0, f"SIGTERM ended the daemon with {code}")
            self.passes["run"] += 1
            hold(self.outside() == self.before, "something outside was changed")
        self.judge()

    def measure(self, process):
        try:
            with open(f"/proc/{process}/status") as file:
                memory = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
            self.memory = max(self.memory, memory >> 10)
            self.open = max(self.open, len(os.listdir(f"/proc/{process}/fd")))
        except (OSError, StopIteration):
            pass

    def judge(self):
        place = self.place
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.process = None
        hold(self.outside() == self.before, "something outside was changed")
        hold(7654321 not in self.api.quotas().values(), "a canary is live")
        for folder in [place.inbox, place.answers, place.work]:
            for name in os.listdir(folder):
                path = f"{folder}/{name}"
                # What quotakeeper wrote there stays, to be searched.
                if folder != place.answers or os.path.islink(path) or os.stat(path).st_nlink > 1 and not os.path.isdir(path):
                    remove(path)
        for root, _, names in os.walk(place.answers):
            for name in names:
                if os.lstat(f"{root}/{name}").st_uid == NOBODY or os.path.islink(f"{root}/{name}") or os.lstat(f"{root}/{name}").st_nlink > 1:
                    remove(f"{root}/{name}")
        self.no_canary()
        with open(place.log, "rb") as file:
            controls = [line for line in file if any(byte < 32 and byte not in (9, 10) or byte == 127 for byte in line)]
        hold(not controls, lambda: f"control characters in the log: {controls[0][:300]!r}")
        hold(self.memory <= MOST_MEMORY and self.open <= MOST_OPEN, f"the daemon took {self.memory} MiB and had {self.open} files open")
        half = [path for path in place.leftovers() if "/requests/" not in path]
        hold(not half, lambda: f"half-written files: {half[:5]}")
        hold(not testbed.torn_records(place.data), lambda: str(testbed.torn_records(place.data)))
        self.files.live = self.api.quotas()
        name, text, ends, _ = self.files.next(avoid=self.intruders)
        self.api.take_acted()
        place.drop(name, text)
        place.run("once")
        place.file_is_one_run(name, ends)
        hold(self.api.quotas() == self.files.live, "the good file is not live")
        with open(place.log) as file:
            self.taken = sum('"message":"claimed"' in line for line in file)
    def no_canary(self):
        """Its own files hold it, and nothing else."""
        for root, folders, names in os.walk(self.path):
            if root == self.path:
                folders.remove("outside")
                names = [name for name in names if name not in ("token", "password")]
            for name in names:
                path = f"{root}/{name}"
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as file:
                        self.place.hold_no_secret(file.read(), path)

    def close(self):
        if self.process:
            os.kill(self.process, signal.SIGKILL)
        self.api.close()


def main():
    asked = testbed.options(__doc__, rounds=5000)
    dice, path = random.Random(asked.seed), testbed.folder("intruder-")
    with testbed.kept_if_broken("intruder", path):
        attack = Attack(asked.binary, path, dice)
        try:
            attack.work(asked.rounds)
        finally:
            attack.close()
    user = "as nobody" if os.geteuid() == 0 else "as the same user"
    print(
        f"{attack.moves()} moves {user}, during {attack.passes['once']} passes and {attack.passes['run']} daemons: nothing read or "
        f"written outside by {attack.taken} runs; at most {attack.memory} MiB and {attack.open} open files; secrets and canaries found: 0"
    )


if __name__ == "__main__":
    main()
