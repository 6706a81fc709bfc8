"""Compares quotakeeper with what people would use instead: the vendor's SDK, curl, DuckDB and pandas.

    python3 benches/peers.py                          builds the release binary first
    python3 benches/peers.py --rounds 3 --only diff --binary target/release/quotakeeper

Makes an environment with the peers from PyPI and all data in a temporary folder (2 GB while it runs). Each row runs both programs one
after the other, several times, as whole processes, and prints the median of the ratios of each pair. Memory is the peak that
the system accounts to the process. Below the launcher's own peak it cannot be seen, and is printed as "<". What the daemon takes has
no peer: those figures come last, and alone with `--only daemon`.
"""

import argparse
import concurrent.futures
import csv
import datetime as dt
import http.server
import json
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

PEERS = [
    "duckdb==2.0.1",
    "pandas==3.1.1",
    "thousandeyes-sdk-usage==6.0.0",
    "thousandeyes-sdk-administrative==6.0.0",
]
REPOSITORY = Path(__file__).resolve().parent.parent

# A child inherits the peak of the process that starts it, so that must be small: a bare interpreter, and nothing imported.
LAUNCHER = """
import posix, sys, time
answer, command = int(sys.argv[1]), sys.argv[2:]
start = time.monotonic()
child = posix.posix_spawn(command[0], command, posix.environ)
_, status, used = posix.wait4(child, 0)
wall, processor = time.monotonic() - start, used.ru_utime + used.ru_stime
print(wall, processor, used.ru_maxrss / 1024, status, file=open(answer, "w"))
"""


# --- the peers, each as a person would write it; run in the environment that has them


def sdk_snapshot(host, out):
    """All quotas as the 18 columns of a snapshot, sorted, synced."""
    from thousandeyes_sdk.core import ApiClient, Configuration
    from thousandeyes_sdk.usage import QuotasApi

    quotas = QuotasApi(ApiClient(Configuration(host=host, access_token="token"))).get_quotas().quotas
    rows = []
    for entry in quotas:
        org_id = int(entry.organization_quota.org_id)
        rows.append((org_id, -1, entry.organization_quota.value))
        rows += [(org_id, int(group.aid), group.value) for group in entry.account_group_quotas]
    rows.sort()
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        for org_id, aid, value in rows:
            target = ["organization", org_id, "", "", ""] if aid < 0 else ["account_group", org_id, "", aid, ""]
            writer.writerow(["2026-11-22T18:00:00Z", *target, value, *[""] * 11])
        file.flush()
        os.fsync(file.fileno())


def sdk_everything(host, out):
    """Quotas, names, and the usage of every organization, summed by account group."""
    from thousandeyes_sdk.administrative import AccountGroupsApi
    from thousandeyes_sdk.core import ApiClient, Configuration
    from thousandeyes_sdk.usage import QuotasApi, UsageApi
    from thousandeyes_sdk.usage.models import ExpandUsageOptions

    client = ApiClient(Configuration(host=host, access_token="token"))
    quotas = {
        (entry.organization_quota.org_id, group.aid): group.value
        for entry in QuotasApi(client).get_quotas().quotas
        for group in entry.account_group_quotas
    }
    groups = AccountGroupsApi(client).get_account_groups().account_groups
    expand = [ExpandUsageOptions.TEST, ExpandUsageOptions.ENTERPRISE_MINUS_AGENT_MINUS_UNIT]
    used = {}
    for aid in {group.org_id: group.aid for group in groups}.values():
        for test in UsageApi(client).get_usage(aid=aid, expand=expand).usage.tests or []:
            used[test.aid] = used.get(test.aid, 0) + test.cloud_units_used
    with open(out, "w", newline="") as file:
        for group in groups:
            quota = quotas.get((group.org_id, group.aid))
            csv.writer(file).writerow([group.org_id, group.aid, group.account_group_name, quota, used.get(group.aid, 0)])


def duckdb_query(sql, out):
    import duckdb

    duckdb.connect().execute(f"COPY ({sql}) TO '{out}' (HEADER)")


def pandas_plan(url, change_file, out):
    """The live quotas from the API, the change file, and what differs."""
    import urllib.request

    import pandas

    answer = json.load(urllib.request.urlopen(url))
    live = pandas.DataFrame(
        [
            (int(entry["organizationQuota"]["orgId"]), int(group["aid"]), group["value"])
            for entry in answer["quotas"]
            for group in entry["accountGroupQuotas"]
        ],
        columns=["org_id", "aid", "before"],
    )
    plan = pandas.read_csv(change_file).merge(live, on=["org_id", "aid"], how="left", validate="one_to_one")
    assert plan.before.notna().all() and (plan.before == plan.expected_value).all()
    plan[plan.value != plan.before].to_csv(out, index=False)


# --- the data


def quotas(organizations, groups, moved=0):
    """The answer to GET /quotas; one group in a hundred has another quota when something moved."""
    value = lambda n: 1000 + n * 7919 % 9000 + (moved if n % 100 == 0 else 0)
    entries = [
        {
            "organizationQuota": {"orgId": str(100000 + o), "value": 5000000},
            "accountGroupQuotas": [
                {"aid": str(1000000 + n), "value": value(n)} for n in range(o * groups, (o + 1) * groups)
            ],
        }
        for o in range(organizations)
    ]
    return json.dumps({"quotas": entries}, separators=(",", ":")).encode()


class Api(http.server.BaseHTTPRequestHandler):
    """Answers that are made beforehand; /NAME/v7 has those of `answers[NAME]`. Only "named" has names and usage."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as every server does that sends headers and body apart
    answers = {}

    def do_GET(self):
        name, _, call = self.path[1:].partition("/v7/")
        body = b'{"accountGroups":[],"usage":{}}'
        if call.startswith("quotas"):
            body = self.answers[name]
        elif name == "named" and call.startswith("account-groups"):
            body = self.answers["names"]
        elif name == "named":
            aid = int(self.path.split("aid=")[1].split("&")[0])
            body = self.answers["usage"].replace(b'"aid":"', b'"aid":"%d' % (aid // 100))
        self.send_response(200)
        self.send_header("Content-Type", "application/hal+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    groups = [
        {"aid": str(1000000 + n), "accountGroupName": f"Group {n}"}
        | {"orgId": str(100000 + n // 100), "organizationName": f"Org {n // 100}"}
        | {"isCurrentAccountGroup": n == 0, "isDefaultAccountGroup": n == 0}
        for n in range(100_000)
    ]
    tests = [
        {"aid": f"{n:02}", "testId": str(n), "testName": f"Test {n}", "testType": "http-server", "accountGroupName": f"Group {n}"}
        | {"cloudUnitsUsed": 400 + n, "cloudUnitsProjected": 900 + n}
        for n in range(100)
    ]
    cycle = {"monthStart": "2026-11-05T00:00:00Z", "monthEnd": "2026-12-05T00:00:00Z", "cloudUnitsIncluded": 6000000}
    usage = {"usage": {"quota": cycle, "cloudUnitsUsed": 44950, "cloudUnitsProjected": 94950, "tests": tests}}
    Api.answers = {
        "big": quotas(1000, 1000),
        "moved": quotas(1000, 1000, moved=50),
        "small": quotas(100, 100),
        "named": quotas(1000, 100),
        "names": json.dumps({"accountGroups": groups}).encode(),
        "usage": json.dumps(usage, separators=(",", ":")).encode(),
        "thousand": quotas(10, 99),
    }
    return listen()


def listen(context=None):
    """The address of a new server, with TLS where there is a context for it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"


def listen_with_tls(folder):
    """The same, and the certificate file by which a client knows it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    files = ["-keyout", key, "-out", certificate]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return listen(context), certificate


def year_of_snapshots(data, days=365, organizations=100, groups=99):
    """Daily snapshots of 10,000 targets up to now, with usage that grows over each month."""
    columns = (
        "taken_at,level,org_id,org_name,aid,account_group_name,quota,cloud_units_used,cloud_units_projected,"
        "enterprise_units_used,enterprise_units_projected,device_units_used,device_units_projected,period_start,period_end,"
        "plan_units,cloud_units_next_period,enterprise_units_next_period\n"
    )
    now = dt.datetime.now(dt.timezone.utc).replace(minute=0, second=0) - dt.timedelta(hours=1)
    for day in range(days - 1, -1, -1):
        at = now - dt.timedelta(days=day)
        start = at.replace(day=1, hour=0)
        end = (start + dt.timedelta(days=32)).replace(day=1)
        part = (at - start) / (end - start)
        taken, period = f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ}"
        lines = [columns]
        for o in range(organizations):
            org = f"{100000 + o},Organization {o}"
            own = f"{9000 * groups},{int(4000 * groups * part)},{4000 * groups},0,0,3,9"
            lines.append(f"{taken},organization,{org},,,{own},{period},{9500 * groups},,\n")
            for n in range(o * groups, (o + 1) * groups):
                projected = 3000 + n * 7919 % 7000 + day % 7 * 10
                quota = 6000 + n * 104729 % 6000 + (100 if day < days // 2 and n % 50 == 0 else 0)
                used = f"{quota},{int(projected * part)},{projected},{int(100 * part)},100"
                lines.append(f"{taken},account_group,{org},{1000000 + n},Group {n},{used},,,{period},,,\n")
        folder = data / f"history/year={at:%Y}/month={at:%m}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{at:%Y-%m-%dT%H-%M-%SZ}.csv").write_text("".join(lines))


def change_file(path):
    """100,000 rows: every tenth organization's 1,000 groups, each a little more."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["action", "org_id", "aid", "value", "expected_value", "comment"])
        for entry in json.loads(Api.answers["big"])["quotas"][::10]:
            org_id = entry["organizationQuota"]["orgId"]
            for group in entry["accountGroupQuotas"]:
                writer.writerow(["assign", org_id, group["aid"], group["value"] + 100, group["value"], "more"])


def finished_runs(bench, data, count=10_000):
    """A change file for an account group that nobody has, and its run so many times."""
    (data / "inbox").mkdir(parents=True)
    (data / "inbox/changes.csv").write_text("aid,value\n7,1000\n")
    bench.ours("once", data=data, name="small")()
    (run,) = (data / "runs").iterdir()
    files = {path.name: path.read_text() for path in run.iterdir()}
    for second in range(count - 1):
        at = dt.datetime.fromisoformat("2026-10-01T00:00:00") + dt.timedelta(seconds=second)
        copied = data / f"runs/{at:%Y%m%dT%H%M%SZ}-changes"
        copied.mkdir()
        for name, text in files.items():
            (copied / name).write_text(text.replace(run.name, copied.name))


# --- measuring


class Bench:
    def __init__(self, folder, binary, rounds, only):
        self.folder, self.binary, self.rounds, self.only = folder, binary, rounds, only
        self.python, self.api, self.settings = folder / "peers/bin/python", serve(), {}
        self.floor = self.run(["/bin/true"])[2]

    def environment(self, data=None, name=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TE_TOKEN": "token"}
        if data:
            section = {"API__REQUESTS_PER_MINUTE": "100000", "MAIL__TRANSPORT": "directory", "MAIL__FROM": "a@example.com"}
            section |= {"DATA__DIR": str(data), "API__BASE_URL": f"{self.api}/{name}/v7", "MAIL__TO": '["b@example.com"]'}
            if name != "named":
                section |= {"SNAPSHOT__NAMES": "false", "SNAPSHOT__USAGE": "false"}
            environment |= {f"QUOTAKEEPER__{key}": value for key, value in (section | self.settings).items()}
        return environment

    def run(self, command, data=None, name=None):
        """Seconds of wall clock and of processor, and peak MiB, of one process."""
        reading, writing = os.pipe()
        with open(self.folder / "log", "wb") as log:
            launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(writing)]
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "pass_fds": [writing]}
            subprocess.run([*launcher, *map(str, command)], env=self.environment(data, name), cwd=self.folder, check=True, **streams)
        os.close(writing)
        with open(reading) as answer:
            wall, processor, peak, status = map(float, answer.read().split())
        if status:
            raise SystemExit(f"{command} failed:\n{(self.folder / 'log').read_text()[-2000:]}")
        return wall, processor, peak

    def ours(self, *arguments, data, name="none"):
        return lambda: self.run([self.binary, "--quiet", *arguments], data, name)

    def fresh_snapshot(self, name, earlier=None):
        """A snapshot in an empty folder, or in a copy of one that has an earlier snapshot."""

        def run():
            data = self.folder / "fresh"
            shutil.rmtree(data, ignore_errors=True)
            if earlier:
                shutil.copytree(earlier, data)
            return self.ours("snapshot", data=data, name=name)()

        return run

    def peer(self, function, *arguments):
        return lambda: self.run([self.python, __file__, "--peer", function.__name__, *arguments, self.folder / "peer.out"])

    def row(self, work, beside, ours, theirs, processor=False):
        if not all(word in f"{work}, {beside}" for word in self.only):
            return
        pairs = [(ours(), theirs()) for _ in range(self.rounds)]
        column = 1 if processor else 0
        ratios = [statistics.median(mine[at] / other[at] for mine, other in pairs) for at in (column, 1)]
        median = lambda side, at: statistics.median(pair[side][at] for pair in pairs)
        peaks = [f"<{self.floor:.0f}" if p <= self.floor + 0.5 else f"{p:.0f}" for p in (median(0, 2), median(1, 2))]
        seconds = f"{median(0, column):.3f} | {median(1, column):.3f}"
        figures = f"{ratios[0]:.3f} | {1 / ratios[0]:.1f} | {ratios[1]:.3f} | {seconds} | {' | '.join(peaks)}"
        print(f"| {work} | {beside} | {figures} |", flush=True)


TABLE = "| work | beside | ratio of times | times faster | ratio of processor time | s | its s | MiB | its MiB |"
USED = "(cloud_units_used + enterprise_units_used)"
PROJECTED = "(cloud_units_projected + enterprise_units_projected)"


def csv_table(path):
    return f"read_csv('{path}', hive_partitioning = true)"


def rows_of_snapshots(bench, million):
    api, row, size = bench.api, bench.row, f"a {len(Api.answers['big']) >> 20} MiB answer"
    big = bench.fresh_snapshot("big")
    row(f"snapshot of 1,000 × 1,000 ({size})", "SDK and csv", big, bench.peer(sdk_snapshot, f"{api}/big/v7"))
    curl = lambda: bench.run([shutil.which("curl"), "-so", bench.folder / "peer.out", f"{api}/big/v7/quotas"])
    row(f"snapshot of 1,000 × 1,000 ({size})", "curl", big, curl)
    again = bench.fresh_snapshot("moved", earlier=million)
    row("snapshot of 1,000 × 1,000, 10,000 quotas moved since an earlier one", "without an earlier one", again, big)
    small = bench.fresh_snapshot("small")
    row("snapshot of 100 × 100", "SDK and csv", small, bench.peer(sdk_snapshot, f"{api}/small/v7"))
    named, sdk = bench.fresh_snapshot("named"), bench.peer(sdk_everything, f"{api}/named/v7")
    row("1,000 × 100 with names and usage", "SDK, processor time", named, sdk, processor=True)

    change_file(bench.folder / "changes.csv")
    plan = bench.ours("plan", "changes.csv", data=million, name="big")
    merge = bench.peer(pandas_plan, f"{api}/big/v7/quotas", "changes.csv")
    row("plan of 100,000 rows against 1,001,000", "pandas merge", plan, merge)


def rows_of_a_million(bench, million):
    """A history of two snapshots of 1,001,000 rows; 10,000 quotas differ."""
    first, second = sorted(million.glob("history/*/*/*.csv"))
    ask = lambda sql: bench.peer(duckdb_query, sql)
    diff = bench.ours("history", "diff", first.stem, second.stem, data=million)
    differing = f"""
        SELECT org_id, aid, a.quota AS before, b.quota AS after
        FROM {csv_table(first)} a FULL JOIN {csv_table(second)} b USING (level, org_id, aid)
        WHERE level = 'account_group' AND a.quota IS DISTINCT FROM b.quota"""
    bench.row("history diff of 1,001,000 rows", "DuckDB", diff, ask(differing))
    history_of = bench.ours("history", "of", "1042007", data=million)
    both = csv_table(f"{million}/history/*/*/*.csv")
    bench.row("history of, 2 × 1,001,000 rows", "DuckDB", history_of, ask(f"SELECT taken_at, quota FROM {both} WHERE aid = 1042007"))
    export = bench.ours("export", "--at", "latest", data=million)
    exported = f"SELECT 'assign' AS action, org_id, aid, quota AS value, quota AS expected_value FROM {csv_table(second)}"
    bench.row("export of 1,001,000 rows", "DuckDB", export, ask(exported))


def rows_of_a_million_used(bench, used):
    """Two snapshots of 1,001,000 rows with names and usage: each row is another one in the second."""
    first, second = sorted(used.glob("history/*/*/*.csv"))
    ask = lambda sql: bench.peer(duckdb_query, sql)
    work = "1,001,000 rows with usage"
    differing = f"""
        SELECT org_id, aid, a.quota AS before, b.quota AS after
        FROM {csv_table(first)} a FULL JOIN {csv_table(second)} b USING (level, org_id, aid)
        WHERE a.quota IS DISTINCT FROM b.quota"""
    bench.row(f"history diff of {work}", "DuckDB", bench.ours("history", "diff", first.stem, second.stem, data=used), ask(differing))
    share = f"SELECT *, greatest({USED}, {PROJECTED}) / quota AS share FROM {csv_table(second)} WHERE quota > 0"
    nearest, over = f"{share} ORDER BY share DESC LIMIT 5", f"SELECT * FROM ({share}) WHERE share > 0.9 ORDER BY share DESC"
    bench.row(f"status, {work}", "DuckDB", bench.ours("status", data=used), ask(nearest))
    bench.row(f"targets --over 90, {work}", "DuckDB", bench.ours("targets", "--over", "90", data=used), ask(over))
    exported = f"SELECT 'assign' AS action, org_id, org_name, aid, account_group_name, quota, {USED}, {PROJECTED} FROM {csv_table(second)}"
    bench.row(f"export, {work}", "DuckDB", bench.ours("export", "--at", "latest", data=used), ask(exported))
    both = csv_table(f"{used}/history/*/*/*.csv")
    one = ask(f"SELECT taken_at, quota, {USED}, {PROJECTED} FROM {both} WHERE aid = 1042007")
    bench.row(f"history of, {work}", "DuckDB", bench.ours("history", "of", "1042007", data=used), one)


def rows_of_a_year(bench, year):
    """A history of a year of daily snapshots of 10,000 targets."""
    files = [str(path) for path in sorted(year.glob("history/*/*/*.csv"))]
    whole, newest = csv_table(f"{year}/history/*/*/*.csv"), csv_table(files[-1])
    ask = lambda sql: bench.peer(duckdb_query, sql)
    report = f"""
        SELECT org_id, aid, max_by(quota, taken_at), max_by({USED}, taken_at), max_by({PROJECTED}, taken_at),
            list({USED} ORDER BY taken_at), list(quota ORDER BY taken_at)
        FROM {{}} GROUP BY ALL"""
    usage_report = lambda *since: bench.ours("report", "usage", *since, "--out", "usage.html", data=year)
    bench.row("usage report, a year of 10,000", "DuckDB", usage_report(), ask(report.format(whole)))
    options = subprocess.run([bench.binary, "report", "usage", "--help"], capture_output=True, text=True).stdout
    if "--since" in options:
        recent = whole.replace(f"'{year}/history/*/*/*.csv'", str(files[-30:]))
        bench.row("usage report, the last 30 days of it", "DuckDB", usage_report("--since", "30d"), ask(report.format(recent)))
    share = f"SELECT *, greatest({USED}, {PROJECTED}) / quota AS share FROM {newest} WHERE quota > 0"
    nearest, over = f"{share} ORDER BY share DESC LIMIT 5", f"SELECT * FROM ({share}) WHERE share > 0.9 ORDER BY share DESC"
    bench.row("status, a year of 10,000", "DuckDB", bench.ours("status", data=year), ask(nearest))
    bench.row("targets --over 90, a year of 10,000", "DuckDB", bench.ours("targets", "--over", "90", data=year), ask(over))
    history_of = bench.ours("history", "of", "1004165", data=year)
    one = f"SELECT taken_at, quota, {USED}, {PROJECTED} FROM {whole} WHERE aid = 1004165"
    bench.row("history of, a year of 10,000", "DuckDB", history_of, ask(one))


class Daemon:
    """`quotakeeper run` on a data folder, which does only what it is asked for."""

    def __init__(self, bench, data, name):
        self.bench, self.data, self.name = bench, data, name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        told.bind(str(bench.folder / "notify"))
        off = {"SNAPSHOT": "0 0 1 1 *", "USAGE_REPORT": "", "DIGEST": "", "CATCH_UP": "false"}
        environment = bench.environment(data, name) | {f"QUOTAKEEPER__SCHEDULE__{key}": value for key, value in off.items()}
        environment |= {"QUOTAKEEPER__SERVER__LISTEN": self.address, "NOTIFY_SOCKET": str(bench.folder / "notify")}
        began = time.monotonic()
        self.process = subprocess.Popen([bench.binary, "--quiet", "run"], env=environment, stderr=subprocess.DEVNULL)
        while b"READY=1" not in told.recv(4096):
            pass
        self.ready_after = time.monotonic() - began
        told.close()
        (bench.folder / "notify").unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def resident(self):
        """MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def processor(self):
        """Seconds."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def minute(self):
        """Seconds of processor time of a minute in which nobody asks for anything."""
        before = self.processor()
        time.sleep(60)
        return self.processor() - before

    def ask(self, *arguments):
        self.bench.ours(*arguments, data=self.data, name=self.name)()

    def scrape(self):
        """Seconds."""
        began = time.monotonic()
        with urllib.request.urlopen(f"http://{self.address}/metrics") as answer:
            while answer.read(1 << 16):
                pass
        return time.monotonic() - began


def figures_of_the_daemon(bench):
    def figure(what, value):
        print(f"| {what} | {value} |", flush=True)

    print("\n| the daemon | |\n|---|---|", flush=True)
    starts = []
    for _ in range(max(bench.rounds, 3)):
        with Daemon(bench, bench.folder / "daemon", "small") as daemon:
            starts.append(daemon.ready_after)
            resident = daemon.resident()
    figure("start to ready", f"{statistics.median(starts) * 1000:.0f} ms")
    figure("resident after the start", f"{resident:.1f} MiB")
    with Daemon(bench, bench.folder / "daemon", "small") as daemon:
        daemon.ask("snapshot")
        daemon.ask("report", "usage")
        figure("resident after a snapshot and a report of 10,100 targets", f"{daemon.resident():.1f} MiB")
        daemon.scrape()
        scrapes = [daemon.scrape() for _ in range(20)]
        figure("a scrape of /metrics at 10,000 groups", f"{statistics.median(scrapes) * 1000:.1f} ms")
        before = daemon.resident()
        with concurrent.futures.ThreadPoolExecutor(16) as sixteen:
            list(sixteen.map(lambda _: daemon.scrape(), range(160)))
        figure("16 scrapes at once, in all 160", f"{daemon.resident() - before:+.1f} MiB")
        while any((bench.folder / "daemon/outbox/new").iterdir()):
            time.sleep(1)  # the mail of the report is delivered by the next pass
        figure("processor time of an idle hour, from a minute of it", f"{daemon.minute() * 60:.1f} s")
    finished_runs(bench, bench.folder / "runs")
    with Daemon(bench, bench.folder / "runs", "small") as daemon:
        daemon.minute()  # in which it learns of them
        figure("processor time of a minute with its inbox pass, with 10,000 finished runs", f"{daemon.minute() * 1000:.0f} ms")
    inbox = statistics.median(bench.ours("inbox", data=bench.folder / "runs", name="small")()[1] for _ in range(5))
    figure("processor time of the command inbox, with 10,000 finished runs", f"{inbox * 1000:.0f} ms")
    address, certificate = listen_with_tls(bench.folder)
    bench.settings = {"API__BASE_URL": f"{address}/thousand/v7", "API__CA_FILE": str(certificate)}
    with Daemon(bench, bench.folder / "tls", "thousand") as daemon:
        daemon.ask("snapshot")
        daemon.ask("report", "usage")
        figure("resident after a snapshot and a report of 1,000 targets over TLS", f"{daemon.resident():.1f} MiB")
    bench.settings = {}
    with Daemon(bench, bench.folder / "large", "big") as daemon:
        idle = daemon.resident()
        for _ in range(10):
            daemon.ask("snapshot")
        figure("resident after ten snapshots of 1,001,000 targets, beside idle", f"{daemon.resident() - idle:+.1f} MiB")


def all_rows(bench):
    print(f"{TABLE}\n{'|---' * 9}|", flush=True)
    million, year = bench.folder / "million", bench.folder / "year"
    bench.ours("snapshot", data=million, name="big")()
    rows_of_snapshots(bench, million)
    bench.ours("snapshot", data=million, name="moved")()
    rows_of_a_million(bench, million)
    used = bench.folder / "used"
    year_of_snapshots(used, days=2, organizations=1000, groups=1000)
    rows_of_a_million_used(bench, used)
    year_of_snapshots(year)
    rows_of_a_year(bench, year)
    if not bench.only or "daemon" in bench.only:
        figures_of_the_daemon(bench)


def argument_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--binary", type=Path, help="a built quotakeeper (default: builds a release)")
    return parser


def built(binary):
    if not binary:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=REPOSITORY, check=True)
        binary = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release/quotakeeper"
    return binary.resolve()


def main():
    if sys.argv[1:2] == ["--peer"]:
        return globals()[sys.argv[2]](*sys.argv[3:])
    parser = argument_parser("Compares quotakeeper with the SDK, curl, DuckDB and pandas.")
    only = "only rows with this text in their first two columns; given again: with all of these"
    parser.add_argument("--only", action="append", default=[], help=only)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quotakeeper-peers-") as folder:
        folder = Path(folder)
        subprocess.run([sys.executable, "-m", "venv", folder / "peers"], check=True)
        pip = [folder / "peers/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEERS], check=True)
        all_rows(Bench(folder, built(given.binary), given.rounds, given.only))


if __name__ == "__main__":
    main()
