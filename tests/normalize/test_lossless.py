"""The property the lake stands on: whatever a file holds is in the lake, set aside, or named; never lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sample_logs.calls import CATALOGUE
from tests.compared import is_same_record, parsed
from tests.conftest import read_table
from tests.made import Record, record, spelled, text, trail, write_file
from trailql.ingest import ingest_logs
from trailql.normalize.careful import rebuild
from trailql.schema import RECORD_COLUMNS, walk

FIELDS = sorted({path[-1] for path, _ in walk(RECORD_COLUMNS)} | {"newField", "extra", "$record", 'a"b', "é", ""})
CALLS = sorted(name for name in CATALOGUE if name != "sts:GetCallerIdentity")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Lu", "Cc"]), max_size=5),
    st.sampled_from(["2026-10-01T00:00:00Z", "true", "", "null", "{}"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
spellings = st.sampled_from(
    ["1e5", "1E400", "0.1000000000000000055", "-0.0", r'"\ud800"', r'"\u0000"', '{"a":1,"a":2}', "  7 "]
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The text of a real-shaped record with a few of its parts changed, added, dropped or put elsewhere."""
    made: Record = record(draw(st.integers(0, 999)), name=draw(st.sampled_from(CALLS)))
    for _ in range(draw(st.integers(0, 4))):
        _mutate(draw, made)
    if draw(st.booleans()):
        names = list(made)
        Random(draw(st.integers(0, 99))).shuffle(names)
        made = {name: made[name] for name in names}
    by_hand: dict[str, str] = draw(st.dictionaries(st.sampled_from(FIELDS), spellings, max_size=1))
    return _without_surrogates_in_utf8(spelled(made, **by_hand))


def _mutate(draw: st.DrawFn, made: Record) -> None:
    """Change one member of the record, or of an object somewhere inside."""
    place: dict[str, Any] = made
    for goes_deeper in draw(st.lists(st.booleans(), max_size=3)):
        inner = [key for key, value in place.items() if isinstance(value, dict)]
        if goes_deeper and inner:
            place = place[draw(st.sampled_from(inner))]
    is_known: bool = draw(st.booleans())
    names = sorted(place) if place and is_known else FIELDS
    key = draw(st.sampled_from(names))
    if draw(st.integers(0, 3)):
        place[key] = draw(values)
    else:
        place.pop(key, None)


def _without_surrogates_in_utf8(written: str) -> str:
    """Lone surrogates as escapes: they cannot stand in UTF-8."""
    return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in written)


@settings(max_examples=12)
@given(written=st.lists(mutated(), min_size=1, max_size=25))
@example(written=[spelled(record(1), userIdentity=r'{"type":"Root","a\"b":1}')])
def test_every_record_is_in_the_lake_or_set_aside_or_its_file_is_named(written: list[str]) -> None:
    """Records in equal rows out plus records set aside, unless the file is rejected by name."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = write_file(root, "logs/a.json", trail(*written))
        summary = ingest_logs([str(path)], root / "lake")
        rows, aside = read_table(root / "lake", "events"), read_table(root / "lake", "set_aside")

    if summary.rejected and not aside:
        assert [str(path)] == [uri for uri, _ in summary.problems]
        return
    found = [rebuild(row) for row in rows]
    left = [one for one in map(parsed, written) if not any(is_same_record(one, other) for other in found)]
    assert len(written) == summary.records
    assert len(written) == len(rows) + len(aside) + summary.duplicates_dropped
    assert all(any(is_same_record(one, parsed(row["record"])) for row in aside) for one in left)


@settings(max_examples=5)
@given(made=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(CALLS)), min_size=1, max_size=200, unique=True))
def test_what_aws_writes_needs_no_extra(made: list[tuple[int, str]]) -> None:
    """Ordinary records come back equal from typed columns alone: nothing of them is kept as text beside."""
    records = [record(number, name=name) for number, name in made]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ingest_logs([str(write_file(root, "logs/a.json", trail(*records)))], root / "lake")
        rows = read_table(root / "lake", "events")

    by_id = {row["eventID"]: row for row in rows}
    assert all(is_same_record(one, rebuild(by_id[one["eventID"]])) for one in records)
    assert {None} == {row["extra"] for row in rows}
    assert all(
        text(one["requestParameters"]) == (by_id[one["eventID"]]["requestParameters"] or "null") for one in records
    )
