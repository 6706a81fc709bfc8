"""Reads history/ and changes/ with engines that know nothing of this repository, and compares what they get.

    pip install duckdb==2.0.1                (and pyspark==4.3.0 where Java 17 or newer is)
    python3 tests/engines.py QUOTAKEEPER DATA_DIR

The folders are read as they are, with the options that docs/scale.md gives, and the types are inferred. Rows, sums,
unknown values and names must be those that `quotakeeper history` prints. The exit code is 0 only if all hold.
"""

import csv
import glob
import io
import os
import subprocess
import sys
import tempfile
from datetime import datetime

import duckdb

MOMENTS = ["taken_at", "period_start", "period_end"]
TEXTS = ["level", "org_name", "account_group_name"]
CHANGE_MOMENTS = ["seen_at", "since", "applied_at"]
CHANGE_TEXTS = ["level", "org_name", "account_group_name", "made_by", "run", "comment", "file"]
PARTITIONS = ["year", "month"]


def expected_types(columns, moments, texts):
    """What each column must be inferred as: a moment, text, or else a whole number."""
    kind = lambda name: "moment" if name in moments else "text" if name in texts else "number"
    return {name: kind(name) for name in [*columns, *PARTITIONS]}


def figures(rows, types):
    """How many rows there are, and of each column how many cells are filled, and their sum (text: the last of them)."""
    total = {
        "number": lambda cells: sum(map(int, cells)),
        "moment": lambda cells: sum(int(datetime.fromisoformat(cell.replace("Z", "+00:00")).timestamp()) for cell in cells),
        "text": max,
    }
    found = {"rows": len(rows)}
    for name in rows[0]:
        filled = [row[name] for row in rows if row[name]]
        found[name] = (len(filled), total[types[name]](filled) if filled else None)
    return found


def query(columns, types, table, seconds):
    """The SQL of the same figures; `seconds` is the engine's function for a moment as seconds since 1970."""
    total = {"number": "sum({})", "moment": f"sum({seconds}({{}}))", "text": "max({})"}
    figures = ", ".join(f"count({name}), {total[types[name]].format(name)}" for name in columns)
    return f"SELECT count(*), {figures} FROM {table}"


def named(columns, row):
    """The answer to `query`, in the shape of `figures`."""
    return {"rows": row[0], **dict(zip(columns, zip(row[1::2], row[2::2], strict=True), strict=True))}


def expect(engine, what, found, wanted):
    wrong = {name: (found.get(name), wanted.get(name)) for name in {*found, *wanted} if found.get(name) != wanted.get(name)}
    assert not wrong, f"{engine}, {what} (found, expected): {wrong}"


def in_duckdb(data, tables):
    kinds = {"TIMESTAMP WITH TIME ZONE": "moment", "TIMESTAMP": "moment", "VARCHAR": "text", "BIGINT": "number"}
    engine = duckdb.connect()
    for folder, (columns, types, wanted, names) in tables.items():
        table = f"read_csv('{data}/{folder}/*/*/*.csv', hive_partitioning = true, union_by_name = true, quote = '\"', escape = '\"')"
        inferred = {row[0]: kinds.get(row[1], row[1]) for row in engine.sql(f"DESCRIBE SELECT * FROM {table}").fetchall()}
        expect("DuckDB", f"types of {folder}", inferred, types)
        expect("DuckDB", folder, named(columns, engine.sql(query(columns, types, table, "epoch")).fetchall()[0]), wanted)
        found = {row[0] for row in engine.sql(f"SELECT DISTINCT account_group_name FROM {table}").fetchall()}
        assert found - {None} == names, f"DuckDB, names of {folder}: {found ^ names}"


def older_files(data, scratch):
    """Two tokens, one of which an older version served: its snapshot lacks the last column. The number of rows of both."""
    snapshots = sorted(glob.glob(f"{data}/history/*/*/*.csv"))
    count = 0
    for token, path, columns in [("older", snapshots[0], -1), ("newer", snapshots[-1], None)]:
        rows = [row[:columns] for row in csv.reader(open(path, encoding="utf-8", newline=""))]
        folder = f"{scratch}/token={token}/year=2026/month=1"
        os.makedirs(folder)
        with open(f"{folder}/{os.path.basename(path)}", "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        count += len(rows) - 1
    return count


def documented_view(data):
    """The view of docs/scale.md reads the history of one token, and of several that were written by different versions."""
    page = open(f"{os.path.dirname(os.path.abspath(__file__))}/../docs/scale.md", encoding="utf-8").read()
    view = page[page.index("SET timezone") :]
    view, path = view[: view.index("```")], "/var/lib/quotakeeper/history/"
    assert path in view, "the view of docs/scale.md is not where it was"
    with tempfile.TemporaryDirectory() as scratch:
        one = sum(len(list(csv.DictReader(open(path, encoding="utf-8", newline="")))) for path in glob.glob(f"{data}/history/*/*/*.csv"))
        for folder, wanted in [(f"{data}/history/", one), (f"{scratch}/token=*/", older_files(data, scratch))]:
            engine = duckdb.connect()
            engine.execute(view.replace(path, folder))
            found = engine.sql("SELECT count(*), count(DISTINCT account_group_name) > 0 FROM history").fetchall()[0]
            assert found == (wanted, True), f"DuckDB, the view of docs/scale.md over {folder}: {found}, expected {wanted}"


def in_spark(data, tables):
    from pyspark.sql import SparkSession

    kinds = {"timestamp": "moment", "string": "text", "int": "number", "bigint": "number"}
    # One process with two threads and without a web page; a folder is listed by it alone, which is quicker for hundreds of files.
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        "spark.sql.warehouse.dir": os.getcwd(),
    }
    engine = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    for folder, (columns, types, wanted, names) in tables.items():
        table = engine.read.csv(f"{data}/{folder}", header=True, inferSchema=True, escape='"').cache()
        expect("Spark", f"types of {folder}", {name: kinds.get(kind, kind) for name, kind in table.dtypes}, types)
        table.createOrReplaceTempView(folder)
        expect("Spark", folder, named(columns, engine.sql(query(columns, types, folder, "unix_timestamp")).first()), wanted)
        found = {row[0] for row in engine.sql(f"SELECT DISTINCT account_group_name FROM {folder}").collect()}
        assert found - {None} == names, f"Spark, names of {folder}: {found ^ names}"
    engine.stop()


def printed_history(binary, data):
    """Every row of every snapshot as the command prints it."""
    environment = {**os.environ, "QUOTAKEEPER__DATA__DIR": data}
    rows = []
    for path in sorted(glob.glob(f"{data}/history/*/*/*.csv")):
        show = [binary, "--quiet", "history", "show", os.path.basename(path).removesuffix(".csv")]
        printed = subprocess.run(show, env=environment, check=True, capture_output=True, text=True, encoding="utf-8").stdout
        rows += csv.DictReader(io.StringIO(printed, newline=""))
    return rows


def written_changes(data):
    files = sorted(glob.glob(f"{data}/changes/*/*/*.csv"))
    return [row for path in files for row in csv.DictReader(open(path, encoding="utf-8", newline=""))]


def main():
    binary, data = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    tables = {}
    for folder, rows, moments, texts in [
        ("history", printed_history(binary, data), MOMENTS, TEXTS),
        ("changes", written_changes(data), CHANGE_MOMENTS, CHANGE_TEXTS),
    ]:
        columns, types = list(rows[0]), expected_types(rows[0], moments, texts)
        names = {row["account_group_name"] for row in rows} - {""}
        tables[folder] = (columns, types, figures(rows, types), names)
    names = tables["history"][3]
    assert any('"' in name for name in names) and any("," in name for name in names), "no name is hard to read"

    in_duckdb(data, tables)
    documented_view(data)
    engines = "DuckDB"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        print("Spark was not tried: pyspark is not installed")
    else:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)  # where Spark leaves what it makes
            in_spark(data, tables)
        engines = "DuckDB and Spark"
    counts = " and ".join(f"{tables[folder][2]['rows']} rows of {folder}/" for folder in tables)
    print(f"{engines} read {counts} as quotakeeper does")


if __name__ == "__main__":
    main()
