"""
The benchmark: trailql against plain DuckDB on the same files in the same run.

    python tests/bench/run.py --scale 1 --seed 1

It makes a trail (once), then times two ways of getting it into Parquet, each in a process of its own:

    trailql   `trailql ingest`: every record checked, hashed, deduplicated, sorted, committed
    duckdb    read_json on the gz files with an explicit schema, unnest, COPY to one zstd Parquet file

and a fixed set of questions against the lake and against the raw files. What counts are the ratios of one run; the
seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.detections import bench_detections, report_detections
from tests.bench.make_trail import make_trail
from tests.bench.s3 import bench_s3, report_s3
from trailql.query.engine import OpenLake, open_lake
from trailql.schema import RECORD_COLUMNS, Column

_QUESTIONS = {
    "API calls per service and name": (
        "eventSource VARCHAR, eventName VARCHAR",
        """SELECT eventSource, eventName, count(*) AS calls FROM events
        GROUP BY ALL ORDER BY calls DESC, eventSource, eventName LIMIT 20""",
    ),
    "refused calls per principal": (
        "errorCode VARCHAR, userIdentity STRUCT(arn VARCHAR)",
        """SELECT userIdentity.arn AS arn, errorCode, count(*) AS calls FROM events
        WHERE errorCode LIKE 'AccessDenied%' OR errorCode LIKE '%UnauthorizedOperation'
        GROUP BY ALL ORDER BY calls DESC, arn, errorCode LIMIT 20""",
    ),
    "everything one access key did": (
        "eventTime VARCHAR, eventName VARCHAR, userIdentity STRUCT(accessKeyId VARCHAR)",
        """SELECT eventName, count(*) AS calls FROM events
        WHERE userIdentity.accessKeyId = (SELECT min(userIdentity.accessKeyId) FROM events)
        GROUP BY ALL ORDER BY calls DESC, eventName""",
    ),
    "buckets made readable": (
        "eventSource VARCHAR, eventName VARCHAR, requestParameters JSON, eventTime VARCHAR",
        """SELECT json_extract_string(requestParameters, '$.bucketName') AS bucket, count(*) AS calls FROM events
        WHERE eventSource = 's3.amazonaws.com' AND eventName LIKE 'GetBucket%'
        GROUP BY ALL ORDER BY calls DESC, bucket LIMIT 20""",
    ),
}


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, CPU seconds and peak memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="millions of events")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("bench-data"), help="where trail, lake and result go")
    parser.add_argument("--runs", type=int, default=1, help="runs of each way in, in turn; the best counts")
    parser.add_argument("--no-questions", action="store_true", help="ingest only")
    parser.add_argument("--s3-objects", type=int, default=10_000, help="small objects of the S3 part")
    parser.add_argument("--no-s3", action="store_true", help="no S3 part")
    parser.add_argument("--plain-duckdb", nargs=2, metavar=("GLOB", "TARGET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain_duckdb:
        _plain_duckdb(*arguments.plain_duckdb)
        return
    result = _bench(arguments)
    if not arguments.no_questions:
        _say("detections")
        result["detections"] = bench_detections(arguments.data / "lake", result["events"], arguments.seed)
    if not arguments.no_s3:
        result["s3"] = bench_s3(arguments.data, arguments.s3_objects, arguments.seed)
    arguments.data.joinpath("result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(_report(result))


def _bench(arguments: argparse.Namespace) -> dict[str, Any]:
    trail = arguments.data / f"trail-{arguments.scale:g}-{arguments.seed}"
    _say(f"making the trail in {trail} (kept for the next run)")
    events = make_trail(trail, arguments.scale, arguments.seed)
    logs = [path for path in trail.rglob("*.json.gz")]
    lake, plain = arguments.data / "lake", arguments.data / "plain.parquet"
    pattern = str(trail / "AWSLogs" / "**" / "*.json.gz")
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(arguments.runs):
        rmtree(lake, ignore_errors=True)
        _say("trailql ingest")
        ours.append(_timed(["-m", "trailql", "ingest", str(trail / "AWSLogs"), "--lake", str(lake), "--quiet"]))
        _say("plain DuckDB")
        theirs.append(_timed([__file__, "--plain-duckdb", pattern, str(plain)]))
    best, rival = min(ours, key=lambda run: run.seconds), min(theirs, key=lambda run: run.seconds)
    with open_lake(lake) as opened:
        counted = opened.sql("SELECT count(*) AS n FROM events").arrow().column("n")[0].as_py()
        if counted != events:
            raise SystemExit(f"the lake holds {counted:,} events, the trail has {events:,}")
        questions = {} if arguments.no_questions else _ask(opened, pattern)
    gz_bytes = sum(path.stat().st_size for path in logs)
    lake_bytes = sum(path.stat().st_size for path in lake.rglob("*") if path.is_file())
    return {
        "events": events,
        "files": len(logs),
        "gz_bytes": gz_bytes,
        "cpus": os.cpu_count(),
        "duckdb": duckdb.__version__,
        "trailql_ingest": asdict(best),
        "plain_duckdb": asdict(rival),
        "ingest_ratio": rival.seconds / best.seconds,
        "events_per_second": events / best.seconds,
        "lake_bytes_per_event": lake_bytes / events,
        "plain_bytes_per_event": plain.stat().st_size / events,
        "lake_to_gz": lake_bytes / gz_bytes,
        "questions": questions,
    }


def _ask(opened: OpenLake, pattern: str) -> dict[str, dict[str, float]]:
    found = {}
    for name, (columns, question) in _QUESTIONS.items():
        _say(f"question: {name}")
        lake_seconds = []
        for _ in range(3):
            started = time.perf_counter()
            from_lake = opened.sql(question).dicts()
            lake_seconds.append(time.perf_counter() - started)
        with duckdb.connect() as con:
            con.execute("SET preserve_insertion_order = false")
            con.execute(
                f"CREATE VIEW events AS SELECT unnest(r) FROM (SELECT unnest(Records) AS r FROM "
                f"read_json('{pattern}', columns={{'Records': 'STRUCT({columns})[]'}}))"
            )
            started = time.perf_counter()
            from_files = con.sql(question).to_arrow_table().to_pylist()
            raw_seconds = time.perf_counter() - started
        if from_lake != from_files:
            raise SystemExit(f"lake and files answer differently: {name}\n{from_lake[:3]}\n{from_files[:3]}")
        seconds = min(lake_seconds)
        found[name] = {"lake_seconds": seconds, "raw_seconds": raw_seconds, "ratio": raw_seconds / seconds}
    return found


def _plain_duckdb(pattern: str, target: str) -> None:
    """What somebody with DuckDB and an afternoon would write."""

    def type_of(column: Column) -> str:
        if column.fields:
            return "STRUCT(" + ", ".join(f'"{field.name}" {type_of(field)}' for field in column.fields) + ")"
        return {"json": "JSON", "timestamp": "TIMESTAMP", "boolean": "BOOLEAN"}.get(column.kind, "VARCHAR")

    record = "STRUCT(" + ", ".join(f'"{column.name}" {type_of(column)}' for column in RECORD_COLUMNS) + ")"
    with duckdb.connect() as con:
        con.execute("SET preserve_insertion_order = false")
        con.execute(
            f"COPY (SELECT unnest(r) FROM (SELECT unnest(Records) AS r FROM "
            f"read_json('{pattern}', columns={{'Records': '{record}[]'}}))) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _timed(words: list[str]) -> Run:
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed with exit code {process.returncode}: {' '.join(words)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _report(result: dict[str, Any]) -> str:
    ours, rival = result["trailql_ingest"], result["plain_duckdb"]
    lines = [
        f"{result['events']:,} events in {result['files']:,} files, {result['gz_bytes'] / 1e6:,.0f} MB gzipped, "
        f"{result['cpus']} CPUs, DuckDB {result['duckdb']}",
        "",
        f"{'':34}{'trailql':>12}{'plain DuckDB':>14}{'ratio':>9}",
        f"{'ingest, seconds':34}{ours['seconds']:12.1f}{rival['seconds']:14.1f}{result['ingest_ratio']:8.1f}×",
        f"{'ingest, CPU seconds':34}{ours['cpu_seconds']:12.1f}{rival['cpu_seconds']:14.1f}"
        f"{rival['cpu_seconds'] / ours['cpu_seconds']:8.1f}×",
        f"{'events per second':34}{result['events_per_second']:12,.0f}{result['events'] / rival['seconds']:14,.0f}",
        f"{'peak memory, MiB':34}{ours['peak_mib']:12,.0f}{rival['peak_mib']:14,.0f}",
        f"{'bytes per event':34}{result['lake_bytes_per_event']:12.1f}{result['plain_bytes_per_event']:14.1f}",
        f"{'lake to gzip':34}{result['lake_to_gz']:12.3f}",
    ]
    if result["questions"]:
        lines += ["", f"{'question, seconds':34}{'lake':>12}{'raw files':>14}{'ratio':>9}"]
    for name, times in result["questions"].items():
        lines.append(f"{name:34}{times['lake_seconds']:12.3f}{times['raw_seconds']:14.1f}{times['ratio']:8.0f}×")
    if "detections" in result:
        lines += report_detections(result["detections"])
    if "s3" in result:
        lines += report_s3(result["s3"])
    return "\n".join(lines)


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
