#!/usr/bin/env python3
"""A server that lies: whatever it answers, a snapshot ends in time, takes little memory and says in one line what is wrong.

    tests/torture/answers.py target/release/quotakeeper --rounds 2000

In each round one of the three reads of a snapshot gets one answer that is not what the API promises, always or for the first few
tries: cut, slow, garbage, without end, a gigabyte, unpacked from a megabyte, an odd schema, a redirect, refused, at another time of
day. Then `snapshot` has to end well or with one line that says why, after at most three tries of a request (a 429 is none), below
64 MiB, without the token in any word of it; a quota that was not told is in no file; and the next snapshot, with good answers,
succeeds. Before that a change file of 100 MB, and one with a cell of 60 MB, are dropped: both are answered, below 64 MiB.

Exits with 1 if that does not hold. The server of a failing seed says the same again, but when is up to the machine.
"""

import collections
import csv
import email.utils
import glob
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib

import testbed
from testbed import hold

MOST_MEMORY = 64
# Far more than the waits between three tries, and the timeout of each, add up to.
ENDS_WITHIN = 60
GOOD = {
    "/quotas": {"quotas": [
        {"organizationQuota": {"orgId": "71", "value": 9000}, "accountGroupQuotas": [{"aid": str(aid), "value": aid} for aid in range(711, 716)]},
        {"organizationQuota": {"orgId": "72", "value": 500}, "accountGroupQuotas": [{"aid": "721", "value": 400}]},
    ]},
    "/account-groups": {"accountGroups": [
        {"aid": aid, "accountGroupName": f"Team {aid}", "orgId": aid[:2], "organizationName": "House " + aid[:2]}
        for aid in ["711", "712", "713", "714", "715", "721"]
    ]},
    "/usage": {"usage": {
        "quota": {"monthStart": "2026-11-01T00:00:00Z", "monthEnd": "2026-12-01T00:00:00Z", "cloudUnitsIncluded": 9000},
        "cloudUnitsUsed": 70, "cloudUnitsProjected": 140, "enterpriseUnitsUsed": 0, "enterpriseUnitsProjected": 0,
        "tests": [{"aid": "711", "testName": "t", "testType": "HTTP Server", "cloudUnitsUsed": 70, "cloudUnitsProjected": 140}],
        "enterpriseAgentUnits": [],
    }},
}
QUOTAS = {(group["orgId"], group["aid"]) for group in GOOD["/account-groups"]["accountGroups"]} | {("71", ""), ("72", "")}


class Server:
    """Speaks HTTP as far as it is needed, so that it can break it anywhere."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.path = self.fault = None
        self.times, self.tries = 0, collections.Counter()
        threading.Thread(target=self.accept, daemon=True).start()

    def lie(self, path, fault, times):
        self.path, self.fault, self.times = path, fault, times
        self.tries.clear()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        received = b""
        try:
            while True:
                while b"\r\n\r\n" not in received:
                    part = connection.recv(65536)
                    if not part:
                        return
                    received += part
                head, received = received.split(b"\r\n\r\n", 1)
                lines = head.decode().split("\r\n")
                path = lines[0].split(" ")[1].split("?")[0].removeprefix("/v7")
                request = next(line.split(": ")[1] for line in lines if line.lower().startswith("x-request-id: "))
                if path == self.path and self.times > 0:
                    self.times -= 1
                    self.tries[request] += self.fault.is_a_try
                    if self.fault.answer(connection, path) != "kept":
                        return
                else:
                    good(connection, json.dumps(GOOD.get(path, {})).encode())
        except (OSError, ValueError):
            pass  # it was closed at the other end: it had enough
        finally:
            connection.close()


def head(status="200 OK", date=0, **headers):
    lines = [f"HTTP/1.1 {status}", f"Date: {email.utils.formatdate(time.time() + date, usegmt=True)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def good(connection, body, **more):
    connection.sendall(head(**({"Content_Type": "application/json", "Content_Length": len(body)} | more)) + body)
    return "kept"


class Fault:
    """One way to lie: its name, and what it does on a connection. Its dice are its own, so that each try meets the same."""

    def __init__(self, dice):
        self.seed, self.is_a_try = dice.randrange(1 << 32), True
        self.kind = dice.choice([name for name in vars(Fault) if name.startswith("is_") or name.startswith("sends_")])

    def answer(self, connection, path):
        return getattr(self, self.kind)(connection, path, random.Random(self.seed))

    def __str__(self):
        return f"{self.kind} ({self.seed})"

    @staticmethod
    def text(path):
        return json.dumps(GOOD[path]).encode()

    def is_dropped(self, connection, path, dice):
        pass

    def is_cut(self, connection, path, dice):
        text = self.text(path)
        length = {"Content_Length": len(text)} if dice.random() < 0.5 else {"Connection": "close"}
        connection.sendall(head(**length) + text[: dice.randrange(len(text))])

    def is_slow(self, connection, path, dice):
        connection.sendall(head(Content_Length=len(self.text(path))))
        for byte in self.text(path):
            connection.sendall(bytes([byte]))
            time.sleep(dice.uniform(0.1, 0.5))

    def is_garbage(self, connection, path, dice):
        text = self.text(path)
        for _ in range(dice.randrange(1, 9)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.randbytes(dice.randrange(1, 5)) + text[at + dice.randrange(9) :]
        return good(connection, dice.choice([text, dice.randbytes(dice.randrange(1 << 20)), b"<html>Sign in</html>", b"", b"null", b"\xff\xfe{"]))

    def has_no_end(self, path, dice):
        """Parts of a body that never ends: of one thing, or of entries that all differ."""
        text = self.text(path)
        beginning = text[: text.rindex(b"[") + 1]
        unit = dice.choice([b" ", b"\0", b"[", b'{"a":', b'"' + b"x" * 1000, b"{},", b"7,", b'{"aid":"1"},', text + b",", b"\xff"])
        yield dice.choice([b"", beginning, beginning, b"{", text])
        part = unit * (1 + (64 << 10) // len(unit))
        number = 0
        differs = dice.random() < 0.3 and path == "/usage"
        while True:
            if differs:
                entries = range(number, number + 500)
                part = b"".join(b'{"aid":"711","testName":"%x","cloudUnitsUsed":%d},' % (dice.getrandbits(256), entry) for entry in entries)
                number += 500
            yield part

    def sends_without_end(self, connection, path, dice):
        gigabyte = {"Content_Length": 1 << 30} if dice.random() < 0.2 else {"Connection": "close"}
        connection.sendall(head(**gigabyte))
        for part in self.has_no_end(path, dice):
            connection.sendall(part)

    def sends_a_bomb(self, connection, path, dice):
        connection.sendall(head(Content_Encoding="gzip", Connection="close"))
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        for part in self.has_no_end(path, dice):
            connection.sendall(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))

    def is_of_another_schema(self, connection, path, dice):
        odd = [None, True, -1, 2**63, 1e300, "", "\ud800", "x" * 1000, [], {}, [[]], [{}], {"a": {}}, "12", 0.5, "NaN"]

        def change(value, depth=0):
            if dice.random() < 0.12:
                return dice.choice(odd)
            if isinstance(value, dict):
                return {dice.choice([name] * 12 + ["other"]): change(item, depth + 1) for name, item in value.items()}
            if isinstance(value, list):
                return [change(item, depth + 1) for item in value for _ in range(dice.choice([1] * 12 + [0, 2]))]
            return value

        nested = b'{"quotas":' + dice.choice([b"[", b'{"a":']) * 100_000
        return good(connection, dice.choice([json.dumps(change(GOOD[path])).encode()] * 5 + [nested]))

    def is_elsewhere(self, connection, path, dice):
        to = dice.choice([path, "https://192.0.2.1/v7" + path, "//", "\\", "/v7" + path])
        status = dice.choice(["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
        return good(connection, b"", status=status, Location=to)

    def is_throttled(self, connection, path, dice):
        self.is_a_try = False
        after = dice.choice([{"Retry_After": 1}, {"Retry_After": 0}, {"x_organization_rate_limit_reset": 1}, {"Retry_After": "soon"}])
        return good(connection, b"", status="429 Too Many Requests", **after)

    def is_refused(self, connection, path, dice):
        status = dice.choice(["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Oops", "502 Bad Gateway", "503 Busy", "599 x", "204 None", "299 x"])
        body = dice.choice([b"", b'{"title":"No","detail":"' + b"n" * 10_000 + b'"}', b"<html>" + b"x" * 1_000_000])
        return good(connection, b"" if status.startswith("204") else body, status=status)

    def is_of_another_time(self, connection, path, dice):
        return good(connection, self.text(path), date=dice.choice([-600, 600, -86400, 10**9]))


class Rounds:
    def __init__(self, binary, place, dice):
        self.binary, self.place, self.dice = binary, place, dice
        self.server, self.token = Server(), testbed.secret(dice, "te")
        self.memory, self.ended = 0, collections.Counter()
        self.environment = {"PATH": os.environ["PATH"], "TE_TOKEN": self.token, "QUOTAKEEPER__DATA__DIR": f"{place}/data"}
        self.environment |= {"QUOTAKEEPER__API__BASE_URL": f"{self.server.url}/v7", "QUOTAKEEPER__API__TIMEOUT": "2s"}
        self.environment |= {"QUOTAKEEPER__API__REQUESTS_PER_MINUTE": "100000", "QUOTAKEEPER__INBOX__SETTLE": "0s"}
        mail = {"FROM": "quotakeeper@example.com", "TO": "noc@example.com", "TRANSPORT": "directory"}
        self.environment |= {f"QUOTAKEEPER__MAIL__{name}": value for name, value in mail.items()}

    def run(self, what, *arguments):
        """How a command ended, and what it said. Looks at its memory and for the token."""
        with open(f"{self.place}/said", "w+b") as said:
            process = subprocess.Popen([self.binary, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=self.place)
            late = threading.Timer(ENDS_WITHIN, process.kill)
            late.start()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            late.cancel()
            said.seek(0)
            text = said.read().decode()
        hold(process.returncode >= 0, lambda: f"{what}: it did not end within {ENDS_WITHIN} s, or died: {process.returncode}\n{text[-1000:]}")
        memory = used.ru_maxrss // 1024
        hold(memory <= MOST_MEMORY, lambda: f"{what}: it took {memory} MiB\n{text[-1000:]}")
        hold(self.token not in text, lambda: f"{what}: the token shows\n{text}")
        self.memory = max(self.memory, memory)
        return process.returncode, text

    def rows(self):
        """The targets of each snapshot that is there."""
        found = []
        for path in sorted(glob.glob(f"{self.place}/data/history/*/*/*.csv")):
            with open(path, newline="") as file:
                found.append({(row["org_id"], row["aid"]) for row in csv.DictReader(file) if row["quota"]})
        return found

    def one(self):
        path, fault = self.dice.choice(list(GOOD)), Fault(self.dice)
        # Without a time to wait for, the waits double: 5, 10, 20 seconds.
        times = self.dice.choice([1, 1, 2]) if fault.kind == "is_throttled" else self.dice.choice([1, 2, 1000, 1000])
        self.server.lie(path, fault, times)
        what = f"{path} {fault}, {times} times"
        before = len(self.rows())
        code, text = self.run(what, "snapshot")
        most = max(self.server.tries.values(), default=0)
        hold(most <= 3, lambda: f"{what}: {most} tries of one request")
        if code != 0:
            errors = [line for line in text.splitlines() if line.startswith("quotakeeper: ")]
            hold(len(errors) == 1 and len(errors[0]) < 600, lambda: f"{what}: ended with {code}, not in one line\n{text[-2000:]}")
            hold(len(self.rows()) == before, lambda: f"{what}: ended with {code}, and wrote a snapshot")
        elif path != "/quotas" or fault.kind not in ("is_of_another_schema", "is_garbage"):
            hold(self.rows()[-1] == QUOTAS, lambda: f"{what}: the snapshot has other quotas\n{text[-2000:]}")
        self.ended[code] += 1
        self.server.lie(None, None, 0)
        for written in glob.glob(f"{self.place}/data/history/*/*/*.csv"):
            os.remove(written)
        code, text = self.run(f"after {what}", "snapshot")
        hold(code == 0 and self.rows()[-1:] == [QUOTAS], lambda: f"after {what}: ended with {code}\n{text[-2000:]}")

    def large_files(self):
        self.run("a first pass", "once")
        head, rows, cell = b"operation,org_id,aid,value,expected_value,comment\n", b"assign,71,711,7,,\n" * 50_000, b"x" * 1_000_000
        # Part by part: the peak of a process that starts another counts as that one's.
        files = {"long.csv": [head, *[rows] * 112], "wide.csv": [head, b'assign,71,711,7,,"', *[cell] * 60, b'"\n']}
        for name, parts in files.items():
            with open(f"{self.place}/data/inbox/.{name}", "wb") as file:
                file.writelines(parts)
                size = file.tell() // 1_000_000
            os.rename(f"{self.place}/data/inbox/.{name}", f"{self.place}/data/inbox/{name}")
            began = time.monotonic()
            code, text = self.run(name, "once")
            took = time.monotonic() - began
            hold(glob.glob(f"{self.place}/data/inbox/answers/{name[:-4]}*"), lambda: f"{name}: no answer, ended with {code}\n{text[-2000:]}")
            print(f"{name} of {size} MB: answered in {took:.1f} s", flush=True)


def main():
    asked = testbed.options(__doc__, rounds=500)
    dice, memory, ended, done = random.Random(asked.seed), 0, collections.Counter(), 0
    while done < asked.rounds or done == 0:
        place = testbed.folder("answers-")
        with testbed.kept_if_broken(f"answers, after {done}", place):
            rounds = Rounds(asked.binary, place, random.Random(dice.randrange(1 << 64)))
            if done == 0:
                rounds.large_files()
                shutil.rmtree(f"{place}/data")
            for _ in range(min(50, asked.rounds - done)):
                rounds.one()
                done += 1
        memory, ended = max(memory, rounds.memory), ended + rounds.ended
        if done < asked.rounds:
            print(f"{done} so far", flush=True)
    print(f"{done} lies: {ended[0]} snapshots for all that, {done - ended[0]} ended with one line; at most {memory} MiB; the token shown: 0")


if __name__ == "__main__":
    main()
