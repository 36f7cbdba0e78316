"""The whole catalogue over the bench's lake, and how the one scan grows with the number of rules."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from typing import Any

from trailql.detect.fuse import condition_of, fused_sql
from trailql.detect.run import Timing, run_detections
from trailql.query.engine import open_lake

_FEW, _MANY = 100, 1000


def bench_detections(lake: Path, events: int, seed: int) -> dict[str, Any]:
    """Seconds of the catalogue, the slowest of its parts, and of 100 and 1,000 made per-event rules; best of 3."""
    best, timings = float("inf"), []
    for _ in range(3):
        run: list[Timing] = []
        started = time.perf_counter()
        findings = run_detections(lake, timings=run)
        if (seconds := time.perf_counter() - started) < best:
            best, timings = seconds, run
    slowest = sorted(timings, key=lambda each: -each.seconds)[:5]
    return {
        "catalogue_seconds": best,
        "events_per_second": events / best,
        "detections": sum(each.detections for each in timings),
        "findings": len(findings),
        "slowest": [{"what": each.what, "seconds": each.seconds} for each in slowest],
        "few_rules_seconds": _made(lake, _FEW, seed),
        "many_rules_seconds": _made(lake, _MANY, seed),
    }


def report_detections(result: dict[str, Any]) -> list[str]:
    """The figures as lines."""
    few, many = result["few_rules_seconds"], result["many_rules_seconds"]
    slowest = ", ".join(f"{each['what']} {each['seconds']:.2f} s" for each in result["slowest"])
    return [
        "",
        f"{result['detections']} detections {result['catalogue_seconds']:21.2f} s"
        f"{result['events_per_second']:14,.0f} events/s  {result['findings']:,} findings",
        f"the slowest: {slowest}",
        f"{_FEW} and {_MANY:,} rules in one scan {few:8.2f} s{many:14.2f} s{many / few:8.1f}×",
    ]


def _made(lake: Path, rules: int, seed: int) -> float:
    """Seconds of one scan with so many rules made at random: a service, a call, and something about the caller."""
    rng = Random(seed)
    with open_lake(lake) as opened:
        apis = opened.sql("SELECT DISTINCT eventSource, eventName FROM events ORDER BY ALL").rows()
        conditions = {}
        for number in range(rules):
            source, name = apis[rng.randrange(len(apis))]
            more = rng.choice(
                [
                    "errorCode IS NOT NULL",
                    "userIdentity.type = 'Root'",
                    f"json_extract_string(requestParameters, '$.name') LIKE '%x{number}%'",
                    f"regexp_matches(userAgent, 'tool-{number}')",
                    f"sourceIPAddress LIKE '192.0.2.{number % 256}'",
                ]
            )
            sql = f"SELECT * FROM events WHERE eventSource = '{source}' AND eventName = '{name}' AND {more}"
            condition = condition_of(opened.connection, sql, {}, number)
            assert condition is not None
            conditions[number] = condition
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            for query, parameters in fused_sql(conditions, "'1970-01-01'::TIMESTAMPTZ", "'9999-01-01'::TIMESTAMPTZ"):
                opened.connection.sql(query, params=parameters or None).to_arrow_table()
            best = min(best, time.perf_counter() - started)
    return best
