"""
What the check for copies costs: a batch against a lake of 100 daily files.

    python tests/bench/copy_check.py --days 100 --events 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from shutil import copytree, rmtree
from statistics import median
from typing import Any

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.make_trail import SLOTS_PER_DAY, write_slot
from trailql.ingest import ingest_logs
from trailql.lake import events
from trailql.lake.lake import open_lake_folder

_RUNS = 5


def bench_copy_check(data: Path, days: int, amount: int, seed: int) -> dict[str, Any]:
    """Seconds of the check, and bytes of the columns it reads, for batches of 2,000 events of different kinds."""
    logs, lake = data / f"days-{days}-{amount}-{seed}", data / "lake-days"
    if not logs.exists():
        for day in range(days):
            write_slot(logs / "held", seed, (day * SLOTS_PER_DAY + 100, amount // days))
            write_slot(logs / "late", seed + 1, (day * SLOTS_PER_DAY + 100, 2000 // days))
        write_slot(logs / "today", seed + 1, ((days - 1) * SLOTS_PER_DAY + 100, 2000))
        write_slot(logs / "again", seed, ((days - 1) * SLOTS_PER_DAY + 100, amount // days))
    rmtree(lake, ignore_errors=True)
    ingest_logs([str(logs / "held")], lake)
    parts = open_lake_folder(lake).snapshot("events").parts
    ids = sum(_column_bytes(lake / "events" / part.path, "eventID") for part in parts)
    result: dict[str, Any] = {
        "files": len(parts),
        "events": sum(part.rows for part in parts),
        "bytes": sum(part.size_bytes for part in parts),
        "event_id_bytes": ids,
    }
    for kind in ("today", "late", "again"):
        told = [_check(logs / kind, lake) for _ in range(_RUNS)]
        result[kind] = {"seconds": median(each[0] for each in told), "files_read": told[0][1], "ingest": told[0][2]}
    return result


def _check(logs: Path, lake: Path) -> tuple[float, int, float]:
    """Seconds in the check, files whose eventIDs it read, and seconds of the whole ingest, into a copy of the lake."""
    copy = lake.with_name("lake-copy")
    rmtree(copy, ignore_errors=True)
    copytree(lake, copy)
    seconds, files = 0.0, 0
    mark, overlapping = events._mark_copies, events._overlapping

    def timed(*arguments: Any) -> None:
        nonlocal seconds
        started = time.perf_counter()
        mark(*arguments)
        seconds += time.perf_counter() - started

    def counted(*arguments: Any) -> Any:
        nonlocal files
        found = overlapping(*arguments)
        files += len(found)
        return found

    events._mark_copies, events._overlapping = timed, counted
    started = time.perf_counter()
    try:
        ingest_logs([str(logs)], copy)
    finally:
        events._mark_copies, events._overlapping = mark, overlapping
    return seconds, files, time.perf_counter() - started


def _column_bytes(path: Path, column: str) -> int:
    told = pq.read_metadata(path)
    return sum(
        told.row_group(group).column(number).total_compressed_size
        for group in range(told.num_row_groups)
        for number in range(told.num_columns)
        if told.row_group(group).column(number).path_in_schema == column
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("bench-data"), help="where logs and lakes go")
    arguments = parser.parse_args()
    print(json.dumps(bench_copy_check(arguments.data, arguments.days, arguments.events, arguments.seed), indent=2))


if __name__ == "__main__":
    main()
