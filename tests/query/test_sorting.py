"""Rows are sorted whatever fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from trailql.query.sorting import sorted_rows


def batches(keys: list[bytes], texts: list[str], size: int) -> Iterator[pa.RecordBatch]:
    """Rows in batches of a size."""
    for begin in range(0, len(keys), size):
        columns = [pa.array(keys[begin : begin + size], pa.binary()), pa.array(texts[begin : begin + size])]
        yield pa.record_batch(columns, ["key", "text"])


@pytest.mark.parametrize("piece_bytes", [1, 10_000, 1 << 30], ids=["piece-a-batch", "some-pieces", "in-memory"])
@pytest.mark.parametrize("distinct", [1, 7, 10**9])
def test_sorted_as_python_sorts(tmp_path: Path, piece_bytes: int, distinct: int) -> None:
    """Every row comes out, in the order of the keys' bytes, however small the pieces and however equal the keys."""
    random = Random(distinct)
    keys = [str(random.randrange(distinct)).encode() + b"\xff\0" for _ in range(3000)]
    texts = [f"{key!r} {'x' * random.choice((0, 3, 3000))}" for key in keys]

    found = list(sorted_rows(batches(keys, texts, 100), "key", tmp_path, piece_bytes=piece_bytes))

    rows = [(row["key"], row["text"]) for batch in found for row in batch.to_pylist()]
    assert sorted(keys) == [key for key, _ in rows]
    assert sorted(zip(keys, texts, strict=True)) == sorted(rows)
    assert (piece_bytes < 1 << 30) == any(tmp_path.iterdir())


def test_nothing_to_sort(tmp_path: Path) -> None:
    """No rows, no pieces."""
    assert [] == list(sorted_rows(iter(()), "key", tmp_path))
    assert [] == list(tmp_path.iterdir())
