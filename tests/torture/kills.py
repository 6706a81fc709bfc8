#!/usr/bin/env python3
"""Kills: after kill -9 at any moment, the next start continues, and nothing is lost or done twice.

    tests/torture/kills.py target/release/quotakeeper --rounds 10000
    tests/torture/kills.py target/release/quotakeeper --rounds 100 --seed 17

Each round drops a change file (or hands it to `apply`), starts a command, kills it at a random moment of the time that it
takes unkilled, starts again without a kill, and looks. The rounds are those of stories with a data folder each: `once` with
mail as files, `once` with a real mail server, the daemon, `apply` beside a daemon of which one or both are killed, and
`approve`; some with a slow or failing API. A proxy in front of the simulator knows which writes were acted on.

After each round: every file is one run, and each of its rows has one result; each applied row was written exactly once and is
live; nothing else was written; snapshots are whole; what an earlier pass had acknowledged is there, byte for byte; each run
has one mail, and each mail reached the server, twice only if the kill came before it could be recorded. After each story: the
token, the SMTP password and the heartbeat's URL are in no file, log or mail; what kills left of half-written files is swept.

Exits with 1 if a promise is broken, and names the folder; a seed replays what is done, and the moments as far as the machine
allows.
"""

import collections
import random
import signal
import time

import testbed
from testbed import Broken, hold

KILLS_PER_STORY = 20
STORIES = ["once", "once by SMTP", "run", "run by SMTP", "apply", "approve"]
FAULTS = ["429:every=11", "drop-after:path=POST:every=2", "500:path=GET:every=17", "slow:ms=40:every=3"]


class Story:
    def __init__(self, binary, path, kind, dice):
        self.kind, self.dice, self.kills = kind, dice, 0
        self.faults = [dice.choice(FAULTS)] if dice.random() < 0.15 else []
        latency = dice.choice([0, 0, 0.005, 0.02])
        self.api = testbed.Api(binary, dice, self.faults, latency)
        password = testbed.secret(dice, "smtp")
        self.mail = testbed.MailServer(f"{path}/mail", password) if "SMTP" in kind else None
        self.place = testbed.Place(binary, path, self.api, password, self.mail)
        self.files = testbed.Files(self.api, dice)
        self.deliveries = testbed.Deliveries(self.place, self.mail) if self.mail else None
        self.took = None  # seconds, unkilled
        self.place.run("once")  # with the day's thinning of snapshots: from now on each stays

    def __str__(self):
        return f"{self.kind}{' with ' + self.faults[0] if self.faults else ''}"

    def play(self, rounds):
        for number in range(rounds + 1):
            self.round(is_killed=number > 0)
        leftovers = self.place.leftovers_go(most=2 * self.kills)
        self.place.no_secret_in_files()
        return leftovers

    def round(self, is_killed):
        file = self.files.next(held=self.kind == "approve")
        moment = self.dice.random() * 1.1 * self.took if is_killed else None
        began = time.monotonic()
        getattr(self, self.kind.split()[0])(file, moment)
        if not is_killed:
            self.took = time.monotonic() - began
        self.kills += is_killed

    def kill(self, process, moment):
        """Kills it at its moment, unless it ends before; whether it did."""
        if moment is not None:
            time.sleep(moment)
            self.place.no_secret_in_arguments()
            process.send_signal(signal.SIGKILL)
        return self.place.end(process, self.kind) == -signal.SIGKILL

    def start_clean(self):
        self.api.settle()
        self.place.nothing_lost()
        self.note_deliveries()
        if self.kind.startswith("run") and self.dice.random() < 0.5:
            daemon = self.place.start("run")
            self.place.wait_for(lambda: self.place.holder() and self.place.is_quiet(), "rest", daemon)
            self.stop(daemon)
        else:
            self.place.run("once")
        self.place.run("outbox")  # what a kill cut off waits for a minute otherwise

    def stop(self, daemon):
        daemon.send_signal(signal.SIGTERM)
        code = self.place.end(daemon, "the daemon")
        hold(code == 0, f"SIGTERM ended the daemon with {code}")

    def once(self, file, moment):
        name, text, ends, raised = file
        self.place.drop(name, text)
        self.kill(self.place.start("once"), moment)
        self.start_clean()
        self.check(name, ends, raised)

    def run(self, file, moment):
        """The file is there before the start, or comes while it runs."""
        name, text, ends, raised = file
        is_first = self.dice.random() < 0.5
        pause = self.dice.random() * 0.15
        if is_first:
            self.place.drop(name, text)
        daemon = self.place.start("run")
        if moment is None:
            self.place.wait_for(self.place.holder, "the lock", daemon)
            if not is_first:
                self.place.drop(name, text)
            self.place.wait_for(lambda: self.place.runs() and self.place.is_quiet(), "rest", daemon)
            self.stop(daemon)
        else:
            if not is_first:
                time.sleep(min(pause, moment))
                self.place.drop(name, text)
                moment = max(0, moment - pause)
            self.kill(daemon, moment)
        self.start_clean()
        self.check(name, ends, raised)

    def apply(self, file, moment):
        """Of the daemon and the command that hands a file to it, one or both are killed."""
        name, text, ends, raised = file
        with open(f"{self.place.path}/{name}", "w") as handed:
            handed.write(text)
        victim, was_killed = self.dice.choice(["command", "daemon", "both"]), False
        daemon = self.place.start("run")
        self.place.wait_for(self.place.holder, "the lock", daemon)
        began = time.monotonic()
        command = self.place.start("apply", name)
        if moment is not None:
            time.sleep(moment)
            self.place.no_secret_in_arguments()
            for process in {"command": [command], "daemon": [daemon], "both": [daemon, command]}[victim]:
                process.send_signal(signal.SIGKILL)
                was_killed |= process is daemon
        code = self.place.end(command, "apply")
        if moment is None:
            self.took = time.monotonic() - began
        if was_killed:
            self.place.end(daemon, "the daemon")
        else:
            self.stop(daemon)
        # 4: a row was refused, as this file wants it.
        hold(code in (4, -signal.SIGKILL), lambda: f"apply ended with {code}: {self.place.last_words()}")
        was_told = code == 4
        if was_told:
            self.place.file_is_one_run(name, ends)
        self.start_clean()
        if was_told or any(run["file"] == name for run in self.place.runs()):
            self.check(name, ends, raised)
        else:
            acted = self.api.take_acted()
            hold(not acted, lambda: f"{name} is no run, and was sent: {acted}")
            self.files.live = self.api.quotas()

    def approve(self, file, moment):
        """A decision on the held row of a file, with or without a process that acts on it."""
        name, text, ends, raised = file
        self.place.drop(name, text)
        self.place.run("once")
        run = self.check(name, ends, raised)
        held = f"{run}.held"
        target = next((row["org_id"], row["aid"]) for row in self.place.table(held, "plan.csv"))
        self.kill(self.place.start("approve", held), moment)
        self.start_clean()
        state = next(one["state"] for one in self.place.runs() if one["id"] == held)
        if state == "held":
            hold(self.api.take_acted() == [], "nobody approved, and it was sent")
            self.place.run("approve", held)
        state = next(one["state"] for one in self.place.runs() if one["id"] == held)
        hold(state == "done", f"{held} was approved and is {state}")
        acted, live = self.api.take_acted(), self.api.quotas()
        hold(acted == [(*target, None)], f"{held}: {acted} instead of one removal of {target}")
        hold(target not in live, f"{target} still has a quota")
        self.files.live = live
        self.place.run("once")
        self.place.acknowledge()

    def check(self, name, ends, raised):
        """What a file must have come to; its run."""
        run = self.place.file_is_one_run(name, ends)
        acted = collections.Counter(self.api.take_acted())
        wanted = collections.Counter((*target, value) for target, value in raised.items())
        hold(acted == wanted, lambda: f"{name}: written {acted} instead of {wanted}")
        live = self.api.quotas()
        hold(live == self.files.live, lambda: f"{name}: live quotas differ: {set(live.items()) ^ set(self.files.live.items())}")
        self.place.snapshots_are_whole(63)
        mails = self.place.mails()
        of_run = [mail for mail in mails.values() if mail.get("thread") == run]
        wanted = 2 if "held" in ends.values() else 1
        hold(1 <= len(of_run) <= wanted, lambda: f"{len(of_run)} mails of {run}: {[mail['message_id'] for mail in of_run]}")
        waiting = [mail["message_id"] for mail in mails.values() if mail["folder"] != "sent"]
        hold(not waiting, lambda: f"not sent: {waiting}")
        self.note_deliveries()
        self.place.acknowledge()
        return run

    def note_deliveries(self):
        if self.deliveries:
            self.deliveries.note()

    def close(self):
        self.api.close()
        if self.mail:
            self.mail.close()


def main():
    asked = testbed.options(__doc__, rounds=100, only="")
    testbed.needs_mail_server()
    dice, kills, leftovers, told = random.Random(asked.seed), 0, 0, time.monotonic()
    stories = [kind for kind in STORIES if not asked.only or kind == asked.only]
    counts, twice, mails = collections.Counter(), 0, 0
    while kills < asked.rounds:
        kind = stories[len(counts) % len(stories)] if len(counts) < len(stories) else dice.choice(stories)
        path = testbed.folder("kills-")
        each = min(KILLS_PER_STORY, -(-asked.rounds // len(stories)))
        with testbed.kept_if_broken(f"{kind}, after {kills} kills", path):
            story = Story(asked.binary, path, kind, random.Random(dice.randrange(1 << 64)))
            try:
                leftovers += story.play(min(each, asked.rounds - kills))
            except Broken as broken:
                raise Broken(f"{story}, kill {story.kills + 1} of its folder: {broken}") from broken
            finally:
                story.close()
            if story.mail:
                mails += len(story.mail.messages)
                twice += len(story.mail.messages) - len({message for message, _, _ in story.mail.messages})
        kills += story.kills
        counts[kind] += story.kills
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{kills} kills so far", flush=True)
    parts = ", ".join(f"{count} of {kind}" for kind, count in counts.items())
    print(f"{kills} kills ({parts}): nothing lost, torn or done twice; {leftovers} leftovers swept")
    print(f"by SMTP {mails} mails, {twice} sent twice before the first could be recorded; secrets found: 0")


if __name__ == "__main__":
    main()
