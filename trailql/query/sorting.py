"""
Sort more rows than memory holds: in pieces, each sorted and written to disk, then merged.

DuckDB sorts beyond its memory, too, but not rows of more than a KB: with five times its limit it gives up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

PIECE_BYTES = 128 * 1024 * 1024
"""Rows held and sorted at once; sorting takes three times that."""

_SLICE_BYTES = 1024 * 1024
"""What is held of each piece while pieces are merged."""
_SLICE_ROWS = 2048


def sorted_rows(
    batches: Iterable[pa.RecordBatch], key: str, scratch: str | Path, *, piece_bytes: int = PIECE_BYTES
) -> Iterator[pa.RecordBatch]:
    """
    Rows in the order of a column.

    Args:
        batches: The rows.
        key: Name of the column; of type binary, compared byte by byte.
        scratch: A folder for pieces, where there are several; they are left for the caller to delete.
        piece_bytes: Bytes to hold at once.

    Raises:
        OSError: No space in the scratch folder.
    """
    pieces: list[Path] = []
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    for batch in batches:
        held.append(batch)
        held_bytes += batch.nbytes
        if held_bytes >= piece_bytes:
            pieces.append(_written(_sorted(held, key), Path(scratch) / f"piece-{len(pieces)}"))
            held, held_bytes = [], 0
    last = _slices(_sorted(held, key)) if held else iter(())
    del held
    yield from _merged([*map(_read, pieces), last], key) if pieces else last


def _sorted(batches: Sequence[pa.RecordBatch], key: str) -> pa.Table:
    rows = pa.Table.from_batches(batches).combine_chunks()
    return rows.take(pc.sort_indices(rows[key]))


def _slices(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """Of bounded size; rows are taken to be of about one length."""
    most = max(1, min(_SLICE_ROWS, _SLICE_BYTES * rows.num_rows // max(rows.nbytes, 1)))
    yield from rows.to_batches(max_chunksize=most)


def _written(rows: pa.Table, path: Path) -> Path:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, rows.schema, options=options) as writer:
        for batch in _slices(rows):
            writer.write_batch(batch)
    return path


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def _merged(pieces: Iterable[Iterator[pa.RecordBatch]], key: str) -> Iterator[pa.RecordBatch]:
    """
    Of every piece the next slice is held. Up to the smallest of their last keys, no row is missing: those are sorted
    and given, which uses up at least one slice.
    """
    heads = [(slice_, piece) for piece in pieces if (slice_ := next(piece, None)) is not None]
    while heads:
        bound = min(slice_[key][-1].as_py() for slice_, _ in heads)
        complete, remaining = [], []
        for slice_, piece in heads:
            count = pc.sum(pc.less_equal(slice_[key], pa.scalar(bound, slice_[key].type))).as_py()
            complete.append(slice_.slice(0, count))
            rest = slice_.slice(count) if count < slice_.num_rows else next(piece, None)
            if rest is not None:
                remaining.append((rest, piece))
        yield from _slices(_sorted(complete, key))
        heads = remaining
