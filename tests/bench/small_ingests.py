"""
What five-minute ingests do to a lake: how the hundredth compares with the tenth, and a compacted lake with one
that was ingested at once.

    python tests/bench/small_ingests.py --ingests 500 --events 1000000
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.make_trail import make_slots
from trailql.ingest import ingest_logs
from trailql.lake.compact import compact
from trailql.lake.lake import open_lake_folder
from trailql.query.engine import open_lake

_QUESTIONS = {
    "calls per service and API": "SELECT eventSource, eventName, count(*) AS n FROM events GROUP BY ALL ORDER BY ALL",
    "refused calls per principal": """SELECT userIdentity.arn AS arn, errorCode, count(*) AS n FROM events
        WHERE errorCode LIKE 'AccessDenied%' GROUP BY ALL ORDER BY ALL""",
    "one API's parameters": """SELECT requestParameters, eventTime, eventID FROM events
        WHERE eventSource = 'iam.amazonaws.com' AND eventName LIKE 'Create%' ORDER BY eventID""",
    "one access key": """SELECT eventName, count(*) AS n FROM events WHERE userIdentity.accessKeyId =
        (SELECT min(userIdentity.accessKeyId) FROM events) GROUP BY ALL ORDER BY ALL""",
}
_WINDOW = 9
"""Ingests whose median stands for the one in their middle: single ones jitter."""


def bench_small_ingests(data: Path, ingests: int, events: int, seed: int) -> dict[str, Any]:
    """Figures of both lakes; times in seconds, sizes in bytes."""
    folders = make_slots(data / f"slots-{ingests}-{events}-{seed}", ingests, events, seed)
    small, whole = data / "lake-small", data / "lake-whole"
    for lake in (small, whole):
        rmtree(lake, ignore_errors=True)
    seconds = []
    for number, folder in enumerate(folders, 1):
        seconds.append(_seconds(lambda folder=folder: ingest_logs([str(folder)], small)))  # type: ignore[misc]
        if number % 50 == 0:
            _say(
                f"{number} ingests, the last {_WINDOW}: {median(seconds[-_WINDOW:]):.2f} s, {_files(small)} files live"
            )
    files_before = _files(small)
    compacting = _seconds(lambda: print(compact(open_lake_folder(small)), file=sys.stderr))
    ingest_logs([str(folder) for folder in folders], whole)
    tenth, last = median(seconds[10 - _WINDOW // 2 - 1 : 10 + _WINDOW // 2]), median(seconds[-_WINDOW:])
    questions = {}
    with open_lake(small) as compacted, open_lake(whole) as at_once:
        for name, sql in _QUESTIONS.items():
            if compacted.sql(sql).rows() != at_once.sql(sql).rows():
                raise SystemExit(f"the two lakes answer differently: {name}")
            questions[name] = {
                "compacted": min(_seconds(lambda: compacted.sql(sql)) for _ in range(7)),  # noqa: B023
                "at_once": min(_seconds(lambda: at_once.sql(sql)) for _ in range(7)),  # noqa: B023
            }
    return {
        "ingests": ingests,
        "events": events,
        "tenth_seconds": tenth,
        "last_seconds": last,
        "slowest_seconds": max(seconds),
        "live_files_before": files_before,
        "live_files_after": _files(small),
        "compact_seconds": compacting,
        "bytes_compacted": _bytes(small),
        "bytes_at_once": _bytes(whole),
        "questions": questions,
    }


def report_small_ingests(result: dict[str, Any]) -> list[str]:
    """The figures as lines."""
    lines = [
        f"{result['events']:,} events in {result['ingests']} ingests",
        f"{'the 10th ingest, seconds':34}{result['tenth_seconds']:12.2f}",
        f"{'the last one, seconds':34}{result['last_seconds']:12.2f}"
        f"{result['last_seconds'] / result['tenth_seconds']:22.2f}×",
        f"{'live files before and after':34}{result['live_files_before']:12,}{result['live_files_after']:14,}",
        f"{'compaction, seconds':34}{result['compact_seconds']:12.1f}",
        "",
        f"{'':34}{'compacted':>12}{'at once':>14}{'ratio':>9}",
        f"{'live bytes':34}{result['bytes_compacted']:12,}{result['bytes_at_once']:14,}"
        f"{result['bytes_compacted'] / result['bytes_at_once']:8.2f}×",
    ]
    for name, times in result["questions"].items():
        ratio = times["compacted"] / times["at_once"]
        lines.append(f"{name:34}{times['compacted']:12.3f}{times['at_once']:14.3f}{ratio:8.2f}×")
    return lines


def _files(lake: Path) -> int:
    opened = open_lake_folder(lake)
    return sum(len(opened.snapshot(table).parts) for table in ("events", "files"))


def _bytes(lake: Path) -> int:
    opened = open_lake_folder(lake)
    return sum(part.size_bytes for table in ("events", "files") for part in opened.snapshot(table).parts)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingests", type=int, default=500)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("bench-data"), help="where logs and lakes go")
    arguments = parser.parse_args()
    result = bench_small_ingests(arguments.data, arguments.ingests, arguments.events, arguments.seed)
    arguments.data.joinpath("small-ingests.json").write_text(json.dumps(result, indent=2) + "\n")
    print("\n".join(report_small_ingests(result)))


if __name__ == "__main__":
    main()
