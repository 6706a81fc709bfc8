#!/usr/bin/env python3
"""A second client beside a busy quotakeeper: what `api.reserve_percent` leaves to others is there.

    tests/torture/neighbour.py target/release/quotakeeper
    tests/torture/neighbour.py target/release/quotakeeper --reserve 0    # the control

The simulator allows 1,200 requests in a minute. A snapshot of 1,200 organizations asks as fast as it may, while a second client
asks at a steady pace for nearly the quarter that is reserved. None of its requests may be refused, and none of quotakeeper's: it
sees by each answer what the other one took. In the control nothing is reserved; then the second client must be refused, or the
test proves nothing.

Exits with 1 if that does not hold.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import testbed
from testbed import hold

LIMIT, ORGANIZATIONS = 1200, 1200
# Of the limit, in requests per second: a little less than what is reserved.
PACE = LIMIT * 0.24 / 60


class Neighbour(threading.Thread):
    """Asks for the account groups at its pace, and counts the answers by status."""

    def __init__(self, url, token):
        super().__init__(daemon=True)
        self.request = urllib.request.Request(f"{url}/v7/account-groups", headers={"Authorization": f"Bearer {token}"})
        self.ended, self.statuses = threading.Event(), {}

    def run(self):
        began, asked = time.monotonic(), 0
        while not self.ended.wait(max(0, began + asked / PACE - time.monotonic())):
            asked += 1
            try:
                with urllib.request.urlopen(self.request) as answer:
                    answer.read()
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            self.statuses[status] = self.statuses.get(status, 0) + 1


def beside(binary, reserve, data):
    size = ["--organizations", str(ORGANIZATIONS), "--account-groups", "2", "--rate-limit", str(LIMIT)]
    simulator = subprocess.Popen([binary, "simulate", *size], stdout=subprocess.PIPE, text=True)
    try:
        url, token = (simulator.stdout.readline().strip().split("=", 1)[1] for _ in range(2))
        environment = {"PATH": os.environ["PATH"], "TE_BASE_URL": url, "TE_TOKEN": token, "QUOTAKEEPER__DATA__DIR": data}
        environment |= {"QUOTAKEEPER__API__REQUESTS_PER_MINUTE": str(LIMIT), "QUOTAKEEPER__API__RESERVE_PERCENT": str(reserve)}
        neighbour = Neighbour(url, token)
        neighbour.start()
        began = time.monotonic()
        ran = subprocess.run([binary, "snapshot"], env=environment, stderr=subprocess.PIPE, text=True)
        took = time.monotonic() - began
        neighbour.ended.set()
        neighbour.join()
    finally:
        simulator.kill()
        simulator.wait()
    hold(ran.returncode == 0, lambda: f"the snapshot failed:\n{ran.stderr[-2000:]}")
    facts = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    refused = sum(fact.get("status") == 429 for fact in facts)
    return took, refused, neighbour.statuses


def main():
    asked = testbed.options(__doc__, reserve=25)
    data = testbed.folder("quotakeeper-neighbour-")
    with testbed.kept_if_broken("the run", data):
        took, refused, statuses = beside(asked.binary, asked.reserve, data)
        print(
            f"{asked.reserve} % reserved: a snapshot of {ORGANIZATIONS} organizations took {took:.0f} s and was refused {refused} times; "
            f"of {sum(statuses.values())} requests beside it {statuses.get(429, 0)} were refused"
        )
        if asked.reserve >= 25:
            hold(set(statuses) == {200}, f"the second client got {statuses}")
            hold(refused == 0, f"quotakeeper was refused {refused} times")
        else:
            hold(429 in statuses, "nothing was reserved, and nobody was refused: the test proves nothing")


if __name__ == "__main__":
    sys.exit(main())
