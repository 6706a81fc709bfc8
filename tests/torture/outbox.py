#!/usr/bin/env python3
"""Deliveries that are killed: no mail is lost, and none comes twice but for the one whose acceptance could not be recorded.

    tests/torture/outbox.py target/release/quotakeeper --rounds 10000
    tests/torture/outbox.py target/release/quotakeeper --rounds 60 --seed 17

Three mails for two recipients each wait in the outbox. `outbox` delivers them to a real server (aiosmtpd, with a login), and is
killed at a random moment of the time that it takes, up to three times; each kill is a round. After each kill: what a record calls
delivered was taken by the server, and is never sent again; of what the server took, no more is unrecorded than there were kills.
Then `outbox` runs to its end: each recipient got each mail, as it was queued, under its one Message-ID.

Exits with 1 if a promise is broken, and names the folder.
"""

import glob
import random
import shutil
import signal
import time

import testbed
from testbed import hold


class Outbox:
    def __init__(self, binary, path, dice):
        self.dice, self.api = dice, testbed.Api(binary, dice)
        password = testbed.secret(dice, "smtp")
        self.place = testbed.Place(binary, path, self.api, password, QUOTAKEEPER__MAIL__TO='["ann@example.com", "bob@example.com"]')
        self.place.use(1)  # where nobody listens
        files = testbed.Files(self.api, dice)
        for _ in range(3):
            name, text, _, _ = files.next(plain=True)
            self.place.drop(name, text)
            self.place.run("inbox")
        self.mail = self.place.mail = testbed.MailServer(f"{path}/mail", password)
        self.place.use(self.mail.port)
        self.queued = {}
        for path_of in glob.glob(f"{self.place.data}/outbox/new/*.eml"):
            with open(path_of, "rb") as file:
                content = file.read()
            for message, mail in self.place.mails().items():
                if message.encode() in content:
                    self.queued.update({(message, one["address"]): testbed.whole(content) for one in mail["recipients"]})
        hold(len(self.queued) == 6, f"{self.queued} waits instead of 3 mails for 2")
        shutil.copytree(f"{self.place.data}/outbox", f"{path}/waiting")
        self.kills, self.twice, self.took = 0, 0, 0.3

    def delivery(self, most):
        """Kills it at most so often, then lets it end."""
        shutil.rmtree(f"{self.place.data}/outbox")
        shutil.copytree(f"{self.place.path}/waiting", f"{self.place.data}/outbox")
        deliveries, kills = testbed.Deliveries(self.place, self.mail), 0
        for _ in range(min(most, self.dice.choice([1, 1, 2, 3]))):
            process = self.place.start("outbox")
            time.sleep(self.dice.random() * 1.1 * self.took)
            self.place.no_secret_in_arguments()
            process.send_signal(signal.SIGKILL)
            self.place.end(process, "outbox")
            kills += 1
            unrecorded = deliveries.note()
            hold(unrecorded <= kills, f"{kills} kills, and {unrecorded} mails were taken and not recorded")
        began = time.monotonic()
        self.place.run("outbox")
        if kills == 0:
            self.took = time.monotonic() - began
        deliveries.note()
        counts = deliveries.counts()
        hold(counts.keys() == self.queued.keys(), lambda: f"lost: {self.queued.keys() - counts.keys()}")
        for message, recipient, content in self.mail.taken()[deliveries.first :]:
            hold(content == self.queued[message, recipient], f"{message} is not what was queued")
        twice = sum(counts.values()) - len(counts)
        hold(twice <= kills, f"{kills} kills, and {twice} mails came again")
        hold(all(mail["folder"] == "sent" for mail in self.place.mails().values()), "not all are in sent/")
        self.kills, self.twice = self.kills + kills, self.twice + twice

    def close(self):
        self.api.close()
        self.mail.close()


def main():
    asked = testbed.options(__doc__, rounds=60)
    testbed.needs_mail_server()
    dice, told, kills, twice, mails = random.Random(asked.seed), time.monotonic(), 0, 0, 0
    while kills < asked.rounds:
        path = testbed.folder("outbox-")
        with testbed.kept_if_broken(f"deliveries, after {kills} kills", path):
            outbox = Outbox(asked.binary, path, random.Random(dice.randrange(1 << 64)))
            try:
                outbox.delivery(0)
                outbox.delivery(0)  # the first has made connections and files that later ones find
                while outbox.kills < min(200, asked.rounds - kills):
                    outbox.delivery(asked.rounds - kills - outbox.kills)
                outbox.place.no_secret_in_files()
            finally:
                outbox.close()
        kills, twice, mails = kills + outbox.kills, twice + outbox.twice, mails + len(outbox.mail.messages)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{kills} kills so far", flush=True)
    print(f"{kills} kills, {mails} mails taken: none lost; {twice} came again, each taken and not recorded when it was killed, under one Message-ID; secrets found: 0")


if __name__ == "__main__":
    main()
