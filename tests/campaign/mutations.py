"""
A mutation campaign: real records and log files, changed in every way, through the real ingest; nothing may be lost.

    python -m tests.campaign --records 20000 --files 5000 --seed 1

What must hold is asked of the lake by an independent reading (`reading.py`): every file is in the ledger once, with
counts that add up; every record is a row, a copy of one, or set aside with its text; every row gives its record back,
equal as JSON, by `rebuild` and by export; and the same evidence handed over again adds nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from tests.campaign.files import mutated_file
from tests.campaign.reading import content_id, depth, elements, is_no_json, must_be_event, records_of
from tests.campaign.records import DEEP, RecordMutator, real_records
from tests.compared import is_same_record
from trailql.ingest import ingest_logs
from trailql.lake.lake import open_lake_folder
from trailql.lake.parquet import rows_sql
from trailql.normalize.careful import rebuild, together
from trailql.normalize.written import record_sql
from trailql.query.engine import open_lake
from trailql.report.log_files import write_log_files
from trailql.schema import RAW_RECORD_KEY

_RECORDS_A_LAKE = 2500
_FILES_A_LAKE = 500
_TOO_DEEP = "nested too deeply for Python"
_STATUSES = {"ingested", "empty", "rejected", "skipped"}


@dataclass(frozen=True, slots=True)
class Made:
    """
    One log file of the campaign.

    Args:
        path: Where it lies.
        texts: Its records by an independent reading; None where that cannot tell.
        may_be_rejected: Whether the whole file may be refused.
        must_be_rejected: Whether there is nothing to be read in it.
    """

    path: Path
    texts: list[str] | None
    may_be_rejected: bool = False
    must_be_rejected: bool = False


@dataclass(slots=True)
class Found:
    """What the campaign has seen, counted, and what was wrong: what, in which file, and how."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, Path, str]] = field(default_factory=list)

    def wrong(self, what: str, path: Path, detail: object = "") -> None:
        """Note a failure."""
        self.failures.append((what, path, str(detail)[:2000]))

    def __str__(self) -> str:
        lines = [f"{count:>10,}  {name}" for name, count in sorted(self.counts.items())]
        lines += [f"{count:>10,}  WRONG: {what}" for what, count in Counter(f[0] for f in self.failures).items()]
        return "\n".join(lines)


def run(records: int, files: int, seed: int, folder: Path, *, on_progress: Any = print) -> Found:
    """
    Run the campaign.

    Args:
        records, files: How many changed records and changed files.
        seed: The same seed makes the same ones.
        folder: Where files and lakes are made; those of a part without failures are deleted.
        on_progress: Told about each finished part.
    """
    found = Found()
    originals = real_records()
    parts = [("records", begin, min(_RECORDS_A_LAKE, records - begin)) for begin in range(0, records, _RECORDS_A_LAKE)]
    parts += [("files", begin, min(_FILES_A_LAKE, files - begin)) for begin in range(0, files, _FILES_A_LAKE)]
    for kind, begin, count in parts:
        random = Random(f"{seed} {kind} {begin}")
        place = folder / f"{kind}-{seed}-{begin}"
        (place / "logs").mkdir(parents=True)
        make = _files_of_records if kind == "records" else _mutated_files
        made = list(make(random, RecordMutator(random, originals), count, place / "logs"))
        before = len(found.failures)
        _try(made, place, found)
        found.counts[f"mutated {kind}"] += count
        if len(found.failures) == before:
            shutil.rmtree(place)
        on_progress(f"{kind} {begin + count:,}: {len(found.failures)} failures")
    return found


def _files_of_records(random: Random, mutator: RecordMutator, count: int, folder: Path) -> Iterator[Made]:
    """Changed records behind a good one in files of all common shapes; deeply nested ones each in a file alone."""
    texts = mutator.texts()
    group: list[str] = []
    size = 1
    for number in range(count):
        text = next(texts)
        if depth(text) > DEEP:
            other = text.replace('"eventVersion"', '"newField":1,"eventVersion"', 1)
            some = [mutator.plain(), text, other]
            yield _file_of(some, folder / f"{number:06}-deep.json", "trail", may_be_rejected=True)
        else:
            group.append(text)
        if len(group) >= size or (group and number == count - 1):
            shape = random.choice(("trail", "trail", "trail", "spaced", "array", "lines"))
            if any(text.lstrip().startswith("[") for text in group):
                shape = "trail"  # on a line of its own, an array is a list of records
            yield _file_of([mutator.plain(), *group], folder / f"{number:06}-{shape}.json", shape)
            group = []
            size = random.choice((1, 10, 20, 60))


def _file_of(texts: list[str], path: Path, shape: str, *, may_be_rejected: bool = False) -> Made:
    if shape == "lines":
        texts = [re.sub(r"[\r\n]", " ", text) for text in texts]  # only white space has them
        content = "\n".join(texts)
    else:
        begin, end = {
            "trail": ('{"Records":[', "]}"),
            "spaced": ('{ "Records" : [\n', "\n]\n}\n"),
            "array": ("[", "]"),
        }[shape]
        content = begin + (" ,\n" if shape == "spaced" else ",").join(texts) + end
    path.write_bytes(content.encode())
    return Made(path, texts, may_be_rejected)


def _mutated_files(random: Random, mutator: RecordMutator, count: int, folder: Path) -> Iterator[Made]:
    changed = mutator.texts()
    for number in range(count):
        texts = [mutator.plain() for _ in range(random.choice((1, 2, 3, 10)))]
        if random.random() < 0.2:
            texts.append(next(text for text in changed if depth(text) < DEEP))
        name, stored = mutated_file(random, texts)
        path = folder / f"{number:05}" / name.replace("/", "_")
        path.parent.mkdir()
        path.write_bytes(stored)
        known = records_of(stored)
        deep = known is not None and any(depth(text) > DEEP for text in known)
        yield Made(path, known, may_be_rejected=deep, must_be_rejected=known is None and _is_hopeless(stored))


def _is_hopeless(stored: bytes) -> bool:
    if stored[:2] == b"PK" or b"Z {" in stored[:64]:  # an archive; lines of a Logs export
        return False
    return is_no_json(stored)


def _try(made: Sequence[Made], place: Path, found: Found) -> None:
    """Ingest the files, and once more from another folder; hold what the lake has against what was made."""
    lake = place / "lake"
    try:
        summary = ingest_logs([str(place / "logs")], lake)
    except Exception:
        _find_culprit(made, place, found)
        return
    found.counts["records read"] += summary.records
    found.counts["events added"] += summary.events_added
    found.counts["copies dropped"] += summary.duplicates_dropped
    found.counts["conflicts kept"] += summary.conflicts
    found.counts["records set aside"] += summary.records_set_aside
    try:
        _hold(made, lake, found)
        _hold_export(lake, place / "export", found)
        shutil.copytree(place / "logs", place / "again")
        again = ingest_logs([str(place / "again")], lake)
        if again.events_added:
            added = [row for row in _rows(lake) if "/again/" in row["log_file"]]
            for row in added[:20]:
                found.wrong("handed over again, added again", Path(row["log_file"]), row["text"])
    except Exception:
        found.wrong("crash while looking", place, traceback.format_exc()[-1500:])


def _find_culprit(made: Sequence[Made], place: Path, found: Found) -> None:
    """The files that an ingest of them alone crashes on; the whole folder where none does."""
    trace = traceback.format_exc()[-1500:]
    culprits = 0
    for number, one in enumerate(made):
        try:
            ingest_logs([str(one.path)], place / "culprits" / str(number))
        except Exception:
            culprits += 1
            found.wrong("crash", one.path, traceback.format_exc()[-1500:])
        shutil.rmtree(place / "culprits", ignore_errors=True)
    if not culprits:
        found.wrong("crash, by no file alone", place, trace)


def _rows(lake: Path, table: str = "events") -> list[dict[str, Any]]:
    """All rows; those of `events` with `text`, the record as export writes it."""
    snapshot = open_lake_folder(lake).snapshot(table)
    text = f", {record_sql('stored')} AS text" if table == "events" else ""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        rows: list[dict[str, Any]] = (
            con.sql(f"SELECT *{text} FROM ({rows_sql(snapshot)}) AS stored").to_arrow_table().to_pylist()
        )
    for row in rows:
        if table == "events" and row["extra"]:
            row["text"] = together(row["text"].encode(), row["extra"].encode()).decode()
    return rows


def _hold(made: Sequence[Made], lake: Path, found: Found) -> None:
    """The promises, file by file."""
    ledger: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    aside: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for table, into, key in (("files", ledger, "uri"), ("events", rows, "log_file"), ("set_aside", aside, "log_file")):
        for row in _rows(lake, table):
            into[row[key]].append(row)
    every = {id: row for group in rows.values() for row in group for id in (_id(row, found),)}
    for (event, id), count in Counter((row["eventID"], row["id"]) for group in rows.values() for row in group).items():
        if count > 1 and id != _TOO_DEEP:
            # Without eventID records are told apart by their columns, with equal keys by every null in their text.
            is_told_by_text = event is None or RAW_RECORD_KEY in (every[id]["extra"] or "")
            if not is_told_by_text:
                found.wrong("an event twice", Path(every[id]["log_file"]), f"{event} {count}")
            found.counts["equal rows without eventID or with equal keys, spelled otherwise"] += is_told_by_text
    for one in made:
        uri = str(one.path)
        known = ledger.pop(uri, [])
        members = [name for name in ledger if name.startswith(uri + "!/")]
        for name in members:
            _hold_counts(one.path, ledger.pop(name), rows[name], aside[name], found)
        if members:
            found.counts["files that are archives"] += 1
            continue
        _hold_counts(one.path, known, rows[uri], aside[uri], found)
        if len(known) != 1:
            continue
        status = known[0]["status"]
        found.counts[f"files {status}"] += 1
        if one.must_be_rejected and status != "rejected":
            found.wrong(f"unreadable, but {status}", one.path, known[0])
        if one.texts is not None and not (status == "rejected" and one.may_be_rejected and not aside[uri]):
            _hold_records(one, known[0], rows[uri], aside[uri], set(every), found)
    for row in (row for group in rows.values() for row in group):
        found.counts["rows with extra"] += bool(row["extra"])
        found.counts["rows with their whole text in extra"] += RAW_RECORD_KEY in (row["extra"] or "")
    for uri in ledger:
        found.wrong("in the ledger, but never made", Path(uri))


def _id(row: dict[str, Any], found: Found) -> str:
    try:
        row["id"] = _content_id(row["text"])
        rebuild(row, exact=True)
    except Exception:
        found.wrong("a row that cannot be written", Path(row["log_file"]), traceback.format_exc()[-800:] + row["text"])
        row["id"] = ""
    return str(row["id"])


def _hold_counts(path: Path, known: list[dict[str, Any]], rows: list[Any], aside: list[Any], found: Found) -> None:
    """Once in the ledger, with a status, a reason where there must be one, and counts that add up."""
    if len(known) != 1:
        found.wrong(f"in the ledger {len(known)} times", path)
        return
    row = known[0]
    if row["status"] not in _STATUSES or (row["status"] in ("rejected", "skipped") and not row["reason"]):
        found.wrong("no status or no reason", path, row)
    parts = [row[name] for name in ("rows_added", "duplicates_dropped", "records_filtered", "records_set_aside")]
    if row["records"] != sum(parts):
        found.wrong("counts that do not add up", path, row)
    if (row["rows_added"], row["records_set_aside"]) != (len(rows), len(aside)):
        found.wrong("counts that are not those of the rows", path, (row, len(rows), len(aside)))
    if (row["status"] == "ingested") != bool(row["records"]) and row["status"] != "rejected":
        found.wrong("a status that does not fit", path, row)


def _hold_records(
    one: Made,
    known: dict[str, Any],
    rows: list[dict[str, Any]],
    aside: list[dict[str, Any]],
    every: set[str],
    found: Found,
) -> None:
    """Every record of a readable file is a row, a copy or set aside, and nothing else is."""
    texts = one.texts or []
    if known["records"] != len(texts):
        found.wrong(
            "not as many records as there are", one.path, f"{known['records']} of {len(texts)}, {known['reason']}"
        )
        return
    found.counts["records held against their rows"] += len(texts)
    for row in aside:
        text = texts[row["record_number"]]
        if text != row["record"]:
            found.wrong("set aside with another text", one.path, f"{text}\n{row['record']}")
        if must_be_event(text):
            found.wrong("set aside without need", one.path, f"{row['reason']}: {text}")
    numbers = {row["record_number"] for row in aside}
    by_id: dict[str, list[str]] = defaultdict(list)
    for number, text in enumerate(texts):
        if number not in numbers:
            by_id[_content_id(text)].append(text)
    for row in rows:
        equal = by_id.get(row["id"])
        if not equal:
            found.wrong("a row that is none of the file's records", one.path, row["text"])
            continue
        # Texts that are nested too deeply have one id for all of them: any of these may be the row's.
        text = next((each for each in equal if _is_rebuilt(row, each)), None)
        if text is None:
            found.wrong("rebuilt otherwise", one.path, equal.pop())
        else:
            equal.remove(text)
    copies = [(id, text) for id, left in by_id.items() for text in left]
    for id, text in copies:
        if id not in every:
            found.wrong("a record that is nowhere", one.path, text)
    if len(copies) != known["duplicates_dropped"]:
        found.wrong("copies that are none", one.path, known)


def _content_id(text: str) -> str:
    try:
        return content_id(text)
    except RecursionError:
        return _TOO_DEEP


def _is_rebuilt(row: dict[str, Any], text: str) -> bool:
    """By the reader that most people have: floats, and of equal keys the last one."""
    try:
        return is_same_record(json.loads(text, parse_int=_whole), rebuild(row))
    except RecursionError:
        return row["id"] == _TOO_DEEP


def _whole(text: str) -> int | Decimal:
    """As `rebuild` gives it: Python refuses to read more than 4,300 digits."""
    return int(text) if len(text) < 4000 else Decimal(text)


def _hold_export(lake: Path, folder: Path, found: Found) -> None:
    """The log files that export writes have every row's text, and are valid."""
    with open_lake(lake) as opened:
        write_log_files(opened, folder, most_records=100)
    expected = Counter(row["text"] for row in _rows(lake))
    written: Counter[str] = Counter()
    for path in folder.rglob("*.json.gz"):
        written.update(_records_in(path, expected))
    if expected != written:
        found.wrong("an export that is not the lake", folder, [*(expected - written), *(written - expected)][:3])
    found.counts["records exported"] += written.total()


def _records_in(path: Path, expected: Counter[str]) -> list[str]:
    """By the independent reading; where that is nested too deeply, those expected texts that stand there."""
    text = gzip.decompress(path.read_bytes()).decode()
    try:
        return records_of(text.encode()) or elements(text, len('{"Records":'))
    except RecursionError:
        return [one for one in expected if one in text]


def main() -> int:
    """The campaign as a command; exit code 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the files of parts with failures below this folder")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trailql-campaign-") as scratch:
        folder = arguments.keep or Path(scratch)
        tell = partial(print, file=sys.stderr, flush=True)
        found = run(arguments.records, arguments.files, arguments.seed, folder, on_progress=tell)
    print(found)
    for what, path, detail in found.failures[:40]:
        print(f"\n{what}: {path}\n{detail}")
    print(f"\nseed {arguments.seed}: {len(found.failures)} failures, {time.monotonic() - started:.0f} s")
    return int(bool(found.failures))
