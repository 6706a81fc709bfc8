"""Holds client and simulator against api.yaml, which states the nine operations in this project's words, and that against the vendor's.

    pip install jsonschema==4.26.0 PyYAML==6.0.4 schemathesis==4.32.5
    python3 tests/contract/contract.py target/release/quotakeeper

1. Every operation of the simulator is called so that it gives each status that is described. Each answer must be as described.
2. The program works against the simulator through a proxy that records: check, snapshots, dropped change files that do all four
   writes, reports, faults. So does the client's own test of all nine operations, where cargo is. Each request and answer must be
   as described, and a client names everything that a request can name.
3. Each operation, status and field that is described must have been seen, so that the description promises nothing of its own.
4. api.yaml is compared with the vendor's description, field by field and status by status, where that lies beside the repository.
   differences.yaml lists what differs, with the reason. Nothing else may differ, and all of it must.
5. schemathesis makes requests of its own out of api.yaml, good and bad ones: the simulator takes the good and refuses the bad.

The exit code is 0 only if all of it holds.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from description import Description, compare, described
from recorder import Judge, Recorder, Simulator, send

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
VENDORS = REPOSITORY.parent / "shared/api/thousandeyes-v7-quotas.openapi.yaml"
ORG, AID = "10452", "204117"  # of the simulator's first seed
STRANGER = "987"  # of none


# Each operation as somebody would call it who gets what he wants, and as one who gets a 400 or a 403 by himself.
GOOD = {
    "GET /quotas": [("", None)],
    "GET /account-groups": [("", None)],
    "GET /usage": [
        (f"?aid={AID}&expand=test,enterprise-agent,enterprise-agent-unit", None),
        ("?expand=endpoint-agent,endpoint-agent-essential,endpoint-agent-embedded", None),
    ],
    "GET /usage/units/tests": [(f"?aid={AID}", None), (None, None)],
    "GET /usage/units/enterprise-agents": [("", None), (None, None)],
    "POST /quotas/assign": [("", {"organizations": [{"orgId": ORG, "value": 250000}]})],
    "POST /quotas/unassign": [("", {"organizations": [ORG]})],
    "POST /quotas/account-groups/assign": [
        (f"?aid={AID}", {"organizations": [{"orgId": ORG, "accountGroups": [{"aid": AID, "value": 4000}]}]})
    ],
    "POST /quotas/account-groups/unassign": [("", {"organizations": [{"orgId": ORG, "accountGroups": [AID]}]})],
}
REFUSED = {
    "GET /usage": [("?expand=all", None), (f"?aid={STRANGER}", None)],
    "GET /usage/units/tests": [("?startDate=yesterday", None), ("?cursor=0", None), (f"?aid={STRANGER}", None)],
    "GET /usage/units/enterprise-agents": [("?endDate=2026-11-01T00:00:00Z", None), ("?cursor=0", None)],
    "POST /quotas/assign": [
        ("", {}),
        ("", {"organizations": [{"orgId": None, "value": 1}]}),
        ("", {"organizations": [{"orgId": ORG, "value": -1}]}),
        ("", {"organizations": [{"orgId": STRANGER, "value": 1}]}),
    ],
    "POST /quotas/unassign": [("", {"organizations": AID}), ("", {"organizations": [STRANGER]})],
    "POST /quotas/account-groups/assign": [
        ("", {"organizations": [{"orgId": ORG, "accountGroups": [{"aid": "9", "value": "many"}]}]}),
        ("", {"organizations": [{"orgId": STRANGER, "accountGroups": []}]}),
    ],
    "POST /quotas/account-groups/unassign": [("", []), ("", {"organizations": [{"orgId": STRANGER, "accountGroups": []}]})],
}


def drive(binary, judge):
    """Calls every operation of the simulator for each status that is described."""

    def call(simulator, line, query, body, token=None):
        method, path = line.split()
        text = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token or simulator.token}", "Content-Type": "application/json"}
        answer = send(simulator.host, method, f"/v7{path}{query}", headers, text)
        judge.exchange((method, f"/v7{path}{query}", headers, text), answer, simulator.token)
        return answer

    def expect(status, got, what):
        if got[0] != status:
            judge.problems.append(f"{what} was answered with {got[0]}, not {status}: {got[2][:200]!r}")

    # Enough groups for three pages, so that one of them has two neighbours.
    with Simulator(binary, "--account-groups", "80", "--rate-limit", "100000") as simulator:
        for line, calls in GOOD.items():
            link = ""
            for query, body in calls:
                if query is None:  # the page that the last answer links to
                    query = link
                answer = call(simulator, line, query, body)
                expect(204 if line.endswith("unassign") else 200, answer, f"{line}{query}")
                if "/units/" in line:
                    link = "?" + urlsplit(json.loads(answer[2])["_links"].get("next", {"href": ""})["href"]).query
            expect(401, call(simulator, line, "", calls[0][1], token="wrong"), f"{line} with another token")
            if line.startswith("POST"):
                expect(400, call(simulator, line, "", b"{"), f"{line} with half a body")
                expect(413, call(simulator, line, "", b" " * (5 << 20)), f"{line} with 5 MB")
        for line, calls in REFUSED.items():
            for query, body in calls:
                expect(403 if STRANGER in (query.split("=")[-1], organization_of(body)) else 400, call(simulator, line, query, body), f"{line}{query} {body}")
    for status in (400, 401, 403, 404, 429, 500):
        with Simulator(binary, "--fault", str(status)) as simulator:
            for line, calls in GOOD.items():
                expect(status, call(simulator, line, calls[0][0], calls[0][1]), f"{line} with the fault {status}")


def organization_of(body):
    """The id of a request's first organization, if it has one."""
    try:
        first = body["organizations"][0]
        return first["orgId"] if isinstance(first, dict) else first
    except (KeyError, TypeError, IndexError):
        return None


CHANGES = f"""action,org_id,aid,value
assign,{ORG},204120,6000
assign,{ORG},204123,6100
unassign,{ORG},204126,
assign,10788,,300000
unassign,{ORG},,
"""


def work(binary, judge, cargo):
    """The program does all that it does with the API, through the recorder."""

    def program(environment, *words, exit_codes=(0,)):
        done = subprocess.run([binary, "--quiet", *words], env=environment, capture_output=True, text=True)
        if done.returncode not in exit_codes:
            judge.problems.append(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
        return done.stdout

    def environment(simulator, folder):
        (folder / "inbox").mkdir(parents=True)
        (folder / "inbox/changes.csv").write_text(CHANGES)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TE_", "QUOTAKEEPER"))},
            "TE_BASE_URL": Recorder(simulator, judge).url,
            "TE_TOKEN": simulator.token,
            "QUOTAKEEPER__API__AID": AID,
            "QUOTAKEEPER__DATA__DIR": str(folder),
            "QUOTAKEEPER__INBOX__SETTLE": "0s",
            "QUOTAKEEPER__MAIL__TRANSPORT": "directory",
            "QUOTAKEEPER__MAIL__FROM": "quotakeeper@example.com",
            "QUOTAKEEPER__MAIL__TO": '{ changes = ["noc@example.com"], usage = ["noc@example.com"] }',
        }

    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        with Simulator(binary, "--rate-limit", "100000") as simulator:
            calm = environment(simulator, scratch / "calm")
            program(calm, "check", "--online")
            exported = program(calm, "export")
            (scratch / "quotas.csv").write_text(exported)
            program(calm, "plan", str(scratch / "quotas.csv"))
            program(calm, "once")
            held = [Path(folder).name for folder in glob.glob(f"{scratch}/calm/runs/*") if '"held"' in (Path(folder) / "run.json").read_text()]
            for run in held:
                program(calm, "approve", run)
            program(calm, "once")
            program(calm, "targets")
        faults = ["500:path=GET:every=5", "429:every=7", "bad-row:aid=204120", "503:path=POST:count=1"]
        with Simulator(binary, *(word for fault in faults for word in ("--fault", fault))) as simulator:
            program(environment(simulator, scratch / "faults"), "once", exit_codes=range(256))
        if not cargo:
            return
        with Simulator(binary, "--account-groups", "80", "--rate-limit", "100000") as simulator:
            client = environment(simulator, scratch / "client")
            client["QUOTAKEEPER_TEST_API"] = client["TE_BASE_URL"]
            test = ["cargo", "test", "--locked", "--quiet", "--test", "client", "all_nine_operations"]
            done = subprocess.run(test, env=client, cwd=REPOSITORY, capture_output=True, text=True)
            if done.returncode != 0 or "1 passed" not in done.stdout:
                judge.problems.append(f"the client's test failed: {done.stdout[:1000]}{done.stderr[-1000:]}")


def schemathesis(seed, examples, binary):
    """Lets schemathesis try to show that the simulator is not as described."""
    tool = str(Path(sys.executable).with_name("schemathesis"))
    # Half of its time goes into making one failing request smaller, which a person can do as well.
    options = ["--seed", str(seed), "--max-examples", str(examples), "--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"]
    with Simulator(binary, "--rate-limit", "1000000") as simulator, tempfile.TemporaryDirectory() as scratch:
        where = [str(HERE / "api.yaml"), "--url", f"http://{simulator.host}/v7", "--header", f"Authorization: Bearer {simulator.token}"]
        command = [tool, "--config-file", str(HERE / "schemathesis.toml"), "run", *where, *options]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
    if done.returncode != 0:
        yield f"schemathesis, with the seed {seed}:\n{done.stdout}{done.stderr}"
    else:
        for line in done.stdout.splitlines():
            if "generated," in line:
                print("schemathesis:", line.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--vendors", type=Path, default=VENDORS, help="the vendor's description")
    parser.add_argument("--without-cargo", action="store_true", help="leave out the client's test, and what only it shows")
    parser.add_argument("--without-schemathesis", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of schemathesis")
    parser.add_argument("--examples", type=int, default=10, help="how many requests schemathesis makes for each operation, at least")
    options = parser.parse_args()
    ours = Description(HERE / "api.yaml")
    judge = Judge(ours)
    drive(options.binary, judge)
    driven = judge.count
    work(options.binary, judge, not options.without_cargo)
    problems = sorted(set(judge.problems)) + [f"never seen: {what}" for what in judge.unseen(not options.without_cargo)]
    if options.vendors.exists():
        known = yaml.safe_load((HERE / "differences.yaml").read_text(encoding="utf-8"))
        problems += compare(ours, Description(options.vendors), known)
        compared = f"{len(described(ours))} statements compared with the vendor's description"
    else:
        compared = f"skipped: the vendor's description is not at {options.vendors}, so nothing was compared with it"
    if not options.without_schemathesis:
        problems += schemathesis(options.seed, options.examples, options.binary)
    for problem in problems:
        print(problem)
    print(f"{driven} calls of the simulator and {judge.count - driven} of the program: {len(problems)} problems; {compared}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
