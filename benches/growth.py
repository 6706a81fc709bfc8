"""Shows that the time of the work grows no faster than the number of targets: at 10,000, 100,000 and 1,000,000 account groups.

    python3 benches/growth.py                          builds the release binary first
    python3 benches/growth.py --rounds 3 --binary target/release/quotakeeper

Each cell is the median of several runs of the whole process against an API on this machine that answers at once, in a temporary folder
(1 GB while it runs). The last column is the time at 1,000,000 by that at 100,000: 10 where it grows with the rows, 100 where it grows
with their square.
"""

import json
import statistics
import tempfile
import time
import urllib.error
from pathlib import Path

import peers

ORGANIZATIONS = {10: "ten", 100: "hundred", 1000: "big"}  # of 1,000 groups each, by the name of their answer


def change_file(path, name):
    """Every tenth account group a little more."""
    with open(path, "w", newline="") as file:
        file.write("action,org_id,aid,value,expected_value\n")
        for entry in json.loads(peers.Api.answers[name])["quotas"]:
            org_id = entry["organizationQuota"]["orgId"]
            for group in entry["accountGroupQuotas"][::10]:
                file.write(f"assign,{org_id},{group['aid']},{group['value'] + 100},{group['value']}\n")


def is_answered(daemon):
    """Whether it has read the latest snapshot."""
    try:
        return daemon.scrape() > 0
    except urllib.error.HTTPError:
        return False


def scrape(bench, data):
    """How long the metrics take, as often as one asks."""
    with peers.Daemon(bench, data, "none") as daemon:
        while not is_answered(daemon):
            time.sleep(0.1)
        return [daemon.scrape() for _ in range(bench.rounds)]


def times(bench, organizations, name):
    """Seconds of each kind of work at one size."""
    data, plans = bench.folder / f"used-{name}", bench.folder / f"plans-{name}"
    peers.year_of_snapshots(data, days=2, organizations=organizations, groups=1000)
    first, second = (path.stem for path in sorted(data.glob("history/*/*/*.csv")))
    change_file(bench.folder / f"{name}.csv", name)
    bench.ours("snapshot", data=plans, name=name)()
    work = {
        "snapshot of quotas": bench.fresh_snapshot(name),
        "the same with an earlier one": bench.fresh_snapshot(name, earlier=plans),
        "history diff": bench.ours("history", "diff", first, second, data=data),
        "usage report, the page": bench.ours("report", "usage", "--out", "usage.html", data=data),
        "usage report, the table": bench.ours("report", "usage", "--out", "usage.csv", data=data),
        "plan of a tenth of the targets": bench.ours("plan", f"{name}.csv", data=plans, name=name),
        "status": bench.ours("status", data=data),
        "targets --over 90": bench.ours("targets", "--over", "90", data=data),
        "export": bench.ours("export", "--at", "latest", data=data),
    }
    measured = {what: [run()[0] for _ in range(bench.rounds)] for what, run in work.items()}
    measured["a scrape of /metrics"] = scrape(bench, data)
    return {what: statistics.median(seconds) for what, seconds in measured.items()}


def main():
    given = peers.argument_parser("Shows how the work grows with the number of targets.").parse_args()
    with tempfile.TemporaryDirectory(prefix="quotakeeper-growth-") as folder:
        bench = peers.Bench(Path(folder), peers.built(given.binary), given.rounds, [])
        peers.Api.answers |= {name: peers.quotas(count, 1000) for count, name in ORGANIZATIONS.items()}
        columns = [times(bench, count, name) for count, name in ORGANIZATIONS.items()]
        print("| work, ms | 10,010 rows | 100,100 | 1,001,000 | growth |\n|---|---|---|---|---|")
        for what in columns[0]:
            cells = [column[what] for column in columns]
            print(f"| {what} | {' | '.join(f'{seconds * 1000:.1f}' for seconds in cells)} | {cells[2] / cells[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
