"""What the scripts beside this one share: the simulator behind a proxy that counts what was done, a mail server, a place with
planted secrets, and the promises that must hold in it."""

import argparse
import base64
import collections
import contextlib
import csv
import email
import email.policy
import glob
import hashlib
import http.client
import http.server
import importlib.util
import io
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

# What a pass has done for good once it has ended.
KEPT = ["history/*/*/*.csv", "changes/*/*/*.csv", "runs/*/*.csv", "runs/*/journal.jsonl", "outbox/sent/*.eml"]
RECORDS = ["runs/*/run.json", "outbox/*/*.json", "state.json", "alerts.json", "closings.json", "installation.json"]
# No command of these tests takes nearly so long.
HANGS = 60


class Broken(Exception):
    """A promise that did not hold."""


def hold(condition, what):
    if not condition:
        raise Broken(what() if callable(what) else what)


def options(document, **defaults):
    """The arguments that each script has, and its own with their defaults. Prints the seed."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    for name, default in defaults.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, type=type(default), default=default)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing that was started is left
    asked.binary = os.path.abspath(asked.binary)
    print(f"{os.path.basename(sys.argv[0])}: seed {asked.seed}", flush=True)
    return asked


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def needs_mail_server():
    if importlib.util.find_spec("aiosmtpd") is None:
        skip("aiosmtpd is not there (pip install aiosmtpd)")


def needs_strace():
    tried = shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL)
    if not tried or tried.returncode != 0:
        skip("strace is not there, or may not trace")


def folder(prefix):
    """In memory where that is possible: a kill loses nothing that the kernel has, so syncs would only cost time."""
    memory = "/dev/shm"
    is_good = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 512 << 20
    return tempfile.mkdtemp(prefix=prefix, dir=memory if is_good else None)


@contextlib.contextmanager
def kept_if_broken(what, place):
    """Removes the place afterwards, unless a promise was broken in it: then says where it is, and ends with 1."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, (Broken, subprocess.SubprocessError, OSError, ValueError, KeyError)):
            print(f"BROKEN in {what}: {error}\nkept: {place}", flush=True)
            sys.exit(1)
        shutil.rmtree(place, ignore_errors=True)
        raise
    shutil.rmtree(place, ignore_errors=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def kept(data):
    paths = [path for pattern in KEPT for path in glob.glob(f"{data}/{pattern}")]
    return {os.path.relpath(path, data): digest(path) for path in paths}


def torn_records(data):
    found = []
    for path in [path for pattern in RECORDS for path in glob.glob(f"{data}/{pattern}")]:
        try:
            with open(path) as file:
                json.load(file)
        except ValueError:
            found.append(f"{os.path.relpath(path, data)} is torn")
    return found


class Api:
    """`simulate` behind a proxy on loopback. The proxy knows which writes were acted on, and which caller made which request
    when: a caller's name is the first part of its base URL's path."""

    def __init__(self, binary, dice, faults=(), latency=0.0):
        command = [binary, "simulate", "--rate-limit", "10000000", "--seed", str(dice.randrange(1 << 32))]
        for fault in faults:
            command += ["--fault", fault]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = dict(self.process.stdout.readline().strip().split("=", 1) for _ in range(2))
        self.token, self.upstream = said["TE_TOKEN"], said["TE_BASE_URL"].removeprefix("http://")
        self.latency, self.heartbeat_path = latency, "/" + secret(dice, "beat")
        self.dropped_last = None  # the simulator's last connection that broke: a fault's doing, or a trouble of the test itself
        self.lock, self.in_flight, self.acted, self.heartbeats, self.spans = threading.Lock(), 0, [], 0, {}
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True
            connection_upstream = None

            def do_GET(self):
                api.serve(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 128

            def handle_error(self, *_):
                pass  # a caller that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.heartbeat = self.base_url + self.heartbeat_path
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __str__(self):
        return f"simulator: {self.process.poll() or 'runs'}, the last connection that broke: {self.dropped_last}"

    def serve(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.path.startswith(self.heartbeat_path):
            with self.lock:
                self.heartbeats += 1
            return answer(request, 200, {}, b"ok")
        caller, path = re.match(r"/(?:(w[0-9]+)/)?(.*)", request.path).groups()
        with self.lock:
            self.in_flight += 1
            span = self.spans.setdefault(caller, [time.monotonic(), 0.0, 0])
        try:
            if request.connection_upstream is None:
                request.connection_upstream = http.client.HTTPConnection(self.upstream, timeout=HANGS)
            headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
            status, got, content = None, {}, b""
            try:
                request.connection_upstream.request(request.command, "/" + path, body or None, headers)
                response = request.connection_upstream.getresponse()
                status, got, content = response.status, response.headers, response.read()
            except (http.client.HTTPException, OSError) as error:
                request.connection_upstream.close()
                self.dropped_last = repr(error)
            with self.lock:
                span[1], span[2] = time.monotonic(), span[2] + 1
                # No answer is the fault drop-after: it acted.
                if request.command == "POST" and (status is None or status < 300):
                    self.acted += rows(path, json.loads(body))
        finally:
            with self.lock:
                self.in_flight -= 1
        time.sleep(self.latency)
        if status is None:
            request.close_connection = True
            request.connection.close()
        else:
            answer(request, status, got, content)

    def settle(self):
        """Waits until nothing is on its way any more that a killed caller had sent."""
        while self.in_flight:
            time.sleep(0.001)
        time.sleep(0.001)  # what the kernel holds for a thread that has not read it yet
        while self.in_flight:
            time.sleep(0.001)

    def take_acted(self):
        with self.lock:
            acted, self.acted = self.acted, []
        return acted

    def quotas(self):
        """{(org_id, aid or None): quota}, asked behind the proxy's back."""
        connection = http.client.HTTPConnection(self.upstream, timeout=HANGS)
        for _ in range(20):
            try:
                connection.request("GET", "/v7/quotas", headers={"Authorization": f"Bearer {self.token}"})
                response = connection.getresponse()
                body = response.read()
                if response.status == 200:
                    break
            except http.client.HTTPException:
                connection.close()
        found = {}
        for organization in json.loads(body)["quotas"]:
            own = organization["organizationQuota"]
            found[own["orgId"], None] = own["value"]
            for group in organization["accountGroupQuotas"]:
                found[own["orgId"], group["aid"]] = group["value"]
        connection.close()
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.process.kill()
        self.process.wait()


def answer(request, status, headers, content):
    request.send_response_only(status)
    for name, value in headers.items():
        if name.lower() not in ("connection", "transfer-encoding", "content-length"):
            request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
    request.wfile.flush()


def rows(path, body):
    """[(org_id, aid or None, value or None)] of a batch."""
    found = []
    for item in body["organizations"]:
        if "account-groups" not in path:
            found.append((item, None, None) if isinstance(item, str) else (item["orgId"], None, item["value"]))
            continue
        for group in item["accountGroups"]:
            found.append((item["orgId"], group, None) if isinstance(group, str) else (item["orgId"], group["aid"], group["value"]))
    return found


class MailServer:
    """aiosmtpd, which wants a login and keeps what it took: see tests/smtp/server.py."""

    def __init__(self, folder, password, faults=()):
        self.folder, self.seen, self.messages = folder, 0, []
        os.makedirs(folder)
        script = os.path.join(os.path.dirname(__file__), "../smtp/server.py")
        plan = {"folder": folder, "login": ["quotakeeper", password], "faults": list(faults)}
        self.process = subprocess.Popen([sys.executable, script, json.dumps(plan)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def taken(self):
        """[(Message-ID, recipient, digest)], in the order in which they were taken. The last one may still be being written."""
        log = os.path.join(self.folder, "log.jsonl")
        lines = open(log).read().splitlines() if os.path.exists(log) else []
        for number in range(self.seen, len(lines)):
            with open(f"{self.folder}/{number}.eml", "rb") as file:
                content = file.read()
            message = email.message_from_bytes(content, policy=email.policy.default)
            self.messages.append((message["Message-ID"].strip(), json.loads(lines[number])["to"][0], whole(content)))
        self.seen = len(lines)
        return self.messages

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def whole(content):
    """The digest of a message; that it is a whole one."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    hold(parts and not any(part.defects for part in message.walk()), lambda: f"a torn mail: {content[:300]!r}")
    return hashlib.sha256(content.replace(b"\r\n", b"\n").rstrip()).hexdigest()


class Place:
    """An installation of its own: data folder, configuration by the environment, and everything that it says in one log."""

    def __init__(self, binary, path, api, password, mail=None, **more):
        self.binary, self.path, self.api, self.mail = binary, path, api, mail
        self.data, self.inbox, self.log = f"{path}/data", f"{path}/data/inbox", f"{path}/log"
        os.makedirs(self.inbox)
        with open(f"{path}/token", "w") as file:
            file.write(api.token)
        os.chmod(f"{path}/token", 0o600)
        with open(f"{path}/password", "w") as file:
            file.write(password)
        os.chmod(f"{path}/password", 0o600)
        login = base64.b64encode(f"\0quotakeeper\0{password}".encode()).decode()
        self.secrets = [api.token, password, login, api.heartbeat_path.strip("/")]
        keep = ["PATH", "LANG", "HOME"]
        self.environment = {name: os.environ[name] for name in keep if name in os.environ}
        self.environment.update(
            TE_BASE_URL=api.base_url,
            QUOTAKEEPER__API__TOKEN_FILE=f"{path}/token",
            QUOTAKEEPER__API__REQUESTS_PER_MINUTE="100000",
            QUOTAKEEPER__DATA__DIR=self.data,
            QUOTAKEEPER__INBOX__SETTLE="0s",
            QUOTAKEEPER__INBOX__MODE="row",
            QUOTAKEEPER__SCHEDULE__SNAPSHOT="* * * * * *",
            QUOTAKEEPER__SCHEDULE__INBOX="* * * * * *",
            QUOTAKEEPER__MAIL__FROM="quotakeeper@example.com",
            QUOTAKEEPER__MAIL__TO="noc@example.com",
            QUOTAKEEPER__MAIL__TRANSPORT="directory",
            QUOTAKEEPER__HEARTBEAT__URL=api.heartbeat,
        )
        self.environment.update(more)
        if mail:
            self.use(mail.port)
        self.cwd, self.acknowledged, self.began = path, {}, time.strftime("%F")

    def use(self, port):
        self.environment.update(
            QUOTAKEEPER__MAIL__TRANSPORT="smtp",
            QUOTAKEEPER__SMTP__HOST="127.0.0.1",
            QUOTAKEEPER__SMTP__PORT=str(port),
            QUOTAKEEPER__SMTP__TLS="off",
            QUOTAKEEPER__SMTP__TIMEOUT="5s",
            QUOTAKEEPER__SMTP__USERNAME="quotakeeper",
            QUOTAKEEPER__SMTP__PASSWORD_FILE=f"{self.path}/password",
        )

    def start(self, *arguments, before=(), **more):
        """A command whose whole output goes into the log."""
        with open(self.log, "ab") as log:
            self.started = log.tell()
            log.write(f"\n$ {' '.join(arguments)}\n".encode())
            log.flush()
            environment = {**self.environment, **more}
            return subprocess.Popen([*before, self.binary, "-vv", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd, start_new_session=True)

    def end(self, process, what):
        """Waits for a command; how it ended."""
        with contextlib.suppress(OSError):  # it has ended, or the kernel has no such call
            descriptor = os.pidfd_open(process.pid)  # a wait with a timeout looks only now and then
            select.select([descriptor], [], [], HANGS)
            os.close(descriptor)
        try:
            return process.wait(timeout=HANGS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Broken(f"{what} hangs") from None

    def run(self, *arguments, expected=(0,), **more):
        code = self.end(self.start(*arguments, **more), arguments[0])
        hold(expected is None or code in expected, lambda: f"{' '.join(arguments)} ended with {code}: {self.last_words()}\n{self.api}")
        return code

    def says(self, text):
        """Whether the log has it since the last command started."""
        with open(self.log, "rb") as log:
            log.seek(self.started)
            return text.encode() in log.read()

    def last_words(self):
        with open(self.log, "rb") as log:
            return log.read()[-1500:].decode(errors="replace")

    def drop(self, name, text):
        """Written under a hidden name and renamed: no program has it open when it is seen."""
        with open(f"{self.inbox}/.{name}", "w") as file:
            file.write(text)
        os.rename(f"{self.inbox}/.{name}", f"{self.inbox}/{name}")

    def holder(self):
        """The process that holds the lock: the one that the file names, if the kernel agrees."""
        try:
            with open(f"{self.data}/lock") as file:
                process = re.match(r"process (\d+) ", file.read())
            with open("/proc/locks") as file:
                is_held = process and re.search(rf"FLOCK .* {process[1]} ", file.read())
        except FileNotFoundError:
            return None
        return int(process[1]) if is_held else None

    def wait_for(self, condition, what, daemon=None):
        end = time.monotonic() + HANGS
        while not condition():
            hold(time.monotonic() < end, f"{what} never came")
            hold(daemon is None or daemon.poll() is None, lambda: f"the daemon ended before {what}: {self.last_words()}")
            time.sleep(0.003)

    def is_quiet(self):
        """Nothing dropped is left, every run is at rest, and its mail is queued. (It may wait for a minute after a try that was
        cut off.)"""
        left = [name for name in os.listdir(self.inbox) if name != "answers"]
        runs, threads = self.runs(), {mail.get("thread") for mail in self.mails_at_any_time().values()}
        is_mailed = all(run["id"].split(".")[0] in threads for run in runs)
        is_done = all(run["state"] in ("done", "held", "rejected") for run in runs)
        return not left and is_mailed and is_done

    def runs(self):
        found = []
        for path in sorted(glob.glob(f"{self.data}/runs/*/run.json")):
            try:
                with open(path) as file:
                    found.append(json.load(file))
            except FileNotFoundError:
                pass
        return found

    def table(self, run, name):
        with open(f"{self.data}/runs/{run}/{name}", newline="") as file:
            return list(csv.DictReader(file))

    # The promises.

    def acknowledge(self):
        """A pass has ended: what it left is there from now on, as it is."""
        self.nothing_lost()
        waiting = tuple(f"runs/{run['id']}/" for run in self.runs() if run["state"] != "done")
        self.acknowledged = {path: was for path, was in kept(self.data).items() if not path.startswith(waiting)}

    def nothing_lost(self):
        now = kept(self.data)
        is_new_day = time.strftime("%F") != self.began  # then old snapshots are thinned
        for path, was in self.acknowledged.items():
            thinned = is_new_day and path.startswith("history/") and path not in now
            hold(thinned or now.get(path) == was, f"{path} was acknowledged, and is {'changed' if path in now else 'gone'}")
        torn = torn_records(self.data)
        hold(not torn, lambda: str(torn))

    def snapshots_are_whole(self, rows_each):
        paths = glob.glob(f"{self.data}/history/*/*/*.csv")
        for path in paths:
            if os.path.relpath(path, self.data) in self.acknowledged:
                continue  # looked at before, and unchanged
            with open(path, newline="") as file:
                found = list(csv.DictReader(file))
            stem = os.path.basename(path).removesuffix(".csv")
            times = {row["taken_at"].replace(":", "-") for row in found}
            targets = {(row["level"], row["org_id"], row["aid"]) for row in found}
            hold(times == {stem}, f"{path}: taken at {times}")
            hold(len(found) == rows_each == len(targets), f"{path}: {len(found)} rows, {len(targets)} targets instead of {rows_each}")
        return len(paths)

    def rows_end_once(self, run):
        """{row number: status or code} of a run that is done."""
        ended = {}
        for name, column in [("success.csv", "status"), ("error.csv", "code")]:
            for row in self.table(run, name):
                hold(row["row"] not in ended, f"row {row['row']} of {run} has two results")
                ended[row["row"]] = row[column]
        return ended

    def file_is_one_run(self, name, wanted):
        """The dropped or applied file has one run, which is done, and its rows ended as wanted; the run's id."""
        own = [run for run in self.runs() if run["file"] == name and run["split_from"] is None]
        hold(len(own) == 1, lambda: f"{name} has {len(own)} runs")
        run = own[0]
        hold(run["state"] == "done", lambda: f"{name} is {run['state']}: {self.last_words()}")
        ended = self.rows_end_once(run["id"])
        hold(ended == wanted, lambda: f"the rows of {name} ended as {ended} instead of {wanted}")
        return run["id"]

    def mails(self):
        """{Message-ID: record} of the whole outbox; that each .eml has its record, is whole, and is there once."""
        found = {}
        for path in glob.glob(f"{self.data}/outbox/*/*.eml"):
            hold(os.path.exists(path[:-3] + "json"), f"{path} has no record")
            with open(path[:-3] + "json") as file:
                record = json.load(file)
            if os.path.relpath(path, self.data) not in self.acknowledged:
                with open(path, "rb") as file:
                    whole(file.read())
            hold(record["message_id"] not in found, f"{record['message_id']} is queued twice")
            found[record["message_id"]] = {**record, "folder": path.split("/")[-2]}
        return found

    def mails_at_any_time(self):
        """{Message-ID: record}, also of a message that is between two folders."""
        found = {}
        for path in glob.glob(f"{self.data}/outbox/*/*.json"):
            try:
                with open(path) as file:
                    record = json.load(file)
                found[record["message_id"]] = record
            except FileNotFoundError:
                pass
        return found

    def leftovers(self):
        """What a kill left of files that were being written."""
        found = [f"{root}/{name}" for root, _, names in os.walk(self.data) for name in names if re.match(r"\.new-[0-9a-f]{16}$|\..*\.asking$", name)]
        return found + [path for path in glob.glob(f"{self.data}/requests/*") if not path.endswith(".decided")]

    def leftovers_go(self, most):
        """They are few, and once they are old enough the next `prune` removes them."""
        found = self.leftovers()
        hold(len(found) <= most, lambda: f"{len(found)} leftovers: {found[:5]}")
        for path in found:
            old = time.time() - 3600
            os.utime(path, (old, old))
        self.run("inbox", expected=(0, 5))
        self.run("prune")
        left = self.leftovers()
        hold(not left, lambda: f"prune leaves {left[:5]}")
        return len(found)

    def no_secret_in_arguments(self):
        given = self.mail and f"/proc/{self.mail.process.pid}/cmdline"
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                if path == given:
                    continue
                with open(path, "rb") as file:
                    self.hold_no_secret(file.read(), path)
            except OSError:
                pass

    def no_secret_in_files(self):
        """In the data folder, in the log of all commands at -vv, and in what the mail server took."""
        for below in [self.path] + ([self.mail.folder] if self.mail else []):
            for root, _, names in os.walk(below):
                for name in names:
                    path = os.path.join(root, name)
                    is_given = path in (f"{self.path}/token", f"{self.path}/password")
                    if not is_given and os.path.isfile(path) and not os.path.islink(path):
                        with open(path, "rb") as file:
                            self.hold_no_secret(file.read(), path)

    def hold_no_secret(self, text, where):
        for secret in self.secrets:
            hold(secret.encode() not in text, f"a secret is in {where}: {secret[:4]}…")


class Deliveries:
    """What the mail server took, against what the records of the outbox say, from now on. Each delivery is (Message-ID,
    recipient)."""

    def __init__(self, place, server):
        self.place, self.server, self.first = place, server, len(server.taken())
        self.done = {}  # what a record calls delivered → how often the server had taken it by then
        self.before = self.recorded()

    def counts(self):
        taken = self.server.taken()[self.first :]
        hold(len({(message, content) for message, _, content in taken}) == len({message for message, _, _ in taken}), "one Message-ID has two contents")
        return collections.Counter((message, recipient) for message, recipient, _ in taken)

    def recorded(self):
        """What the records call delivered."""
        mails = self.place.mails_at_any_time()
        return {(message, one["address"]) for message, mail in mails.items() for one in mail["recipients"] if one["state"] == "accepted"}

    def note(self):
        """What is recorded as delivered was taken, and is never sent again. How many were taken and are not recorded."""
        recorded = self.recorded() - self.before
        counts = self.counts()
        for delivery, times in self.done.items():
            hold(counts[delivery] == times, f"{delivery} was recorded as delivered, and was sent again")
        for delivery in recorded:
            hold(counts[delivery] >= 1, f"{delivery} is recorded as delivered, and the server never took it")
            self.done.setdefault(delivery, counts[delivery])
        return len(counts.keys() - recorded)


def secret(dice, prefix):
    return f"{prefix}-{dice.randrange(1 << 64):016x}"


class Files:
    """Change files against the live quotas, each with raises that must be applied, and rows that must not be sent."""

    def __init__(self, api, dice, prefix="f"):
        self.dice, self.prefix, self.count = dice, prefix, 0
        self.live = api.quotas()

    def next(self, held=False, plain=False, avoid=()):
        """(name, text, {row number: how it must end}, {target: value} that must be live afterwards). One that is plain has
        nothing but raises."""
        self.count += 1
        targets = [target for target, quota in self.live.items() if target[1] and quota and target not in avoid]
        chosen = self.dice.sample(targets, 5 if held else 4)
        raised = {target: self.live[target] + self.dice.randrange(1, 9) for target in chosen[:3]}
        same = chosen[3]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["action", "org_id", "aid", "value", "comment"])
        ends = {}

        def add(end, *cells):
            writer.writerow([*cells, f"=torture {self.count}"])
            ends[str(len(ends) + 2)] = end

        for (org, aid), value in raised.items():
            add("applied", "assign", org, aid, value)
        if not plain:
            add("unchanged", "assign", *same, self.live[same])
            add("unknown_target", "assign", same[0], "999999", 5)
        if held:
            add("held", "unassign", *chosen[4], "")
        self.live.update(raised)
        return f"{self.prefix}{self.count}.csv", text.getvalue(), ends, raised
