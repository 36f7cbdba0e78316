"""From stored bytes to JSON bytes: gzip in all its forms, hashes, flipped bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import record, text, trail
from trailql.errors import BadLogFile
from trailql.normalize.containers import unwrap
from trailql.normalize.contents import read_contents, read_lines

BODY = trail(record(1), record(2))
STORED = gzip.compress(BODY, mtime=0)
_BLOCK_BYTES = 256 * 1024


def sized_member(content: bytes, size: int) -> bytes:
    """A gzip member of exactly that many bytes: the file name in its header fills it up."""
    plain = gzip.compress(content, mtime=0)
    return plain[:3] + b"\x08" + plain[4:10] + b"n" * (size - len(plain) - 1) + b"\0" + plain[10:]


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(BODY, id="plain"),
        pytest.param(STORED, id="gzip"),
        pytest.param(gzip.compress(BODY, 0), id="gzip-stored"),
        pytest.param(
            b"".join(gzip.compress(BODY[at : at + 100]) for at in range(0, len(BODY), 100)), id="many-members"
        ),
        pytest.param(gzip.compress(b"") + STORED + gzip.compress(b""), id="empty-members"),
        pytest.param(STORED + bytes(512), id="padded-with-zeros"),
        pytest.param(STORED + bytes(3 * _BLOCK_BYTES), id="padded-with-many-zeros"),
        *(
            pytest.param(
                sized_member(BODY[:50], _BLOCK_BYTES + off) + gzip.compress(BODY[50:]), id=f"member-ends-{off:+}"
            )
            for off in (-2, -1, 0, 1)
        ),
    ],
)
def test_content_and_hashes(stored: bytes) -> None:
    """Whatever the gzip looks like, the content is whole and both hashes are those of all the bytes."""
    contents = read_contents(io.BytesIO(stored), origin="x", max_bytes=1 << 20)

    assert BODY == contents.body
    assert hashlib.sha256(stored).hexdigest() == contents.sha256_stored
    assert hashlib.sha256(BODY).hexdigest() == contents.sha256_content
    assert len(BODY) == contents.content_bytes


@settings(max_examples=300)
@given(position=st.integers(0, len(STORED) - 1), flip=st.integers(1, 255))
def test_any_byte_flipped(position: int, flip: int) -> None:
    """Flip any byte of a log file: it is read, or BadLogFile comes out; and what is read passed the checksum."""
    damaged = STORED[:position] + bytes([STORED[position] ^ flip]) + STORED[position + 1 :]
    try:
        contents = read_contents(io.BytesIO(damaged), origin="x", max_bytes=1 << 20)
        unwrap(contents.body, origin="x")
    except BadLogFile:
        return
    assert zlib.crc32(BODY) == zlib.crc32(contents.body)


@settings(max_examples=300)
@given(kept=st.integers(0, len(STORED) - 1))
def test_cut_off_anywhere(kept: int) -> None:
    """A log file that breaks off, wherever, is never taken for a whole one."""
    with pytest.raises(BadLogFile):
        unwrap(read_contents(io.BytesIO(STORED[:kept]), origin="x", max_bytes=1 << 20).body, origin="x")


@settings(max_examples=300)
@given(position=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_any_byte_of_plain_json_changed(position: int, byte: int) -> None:
    """Change any byte of an uncompressed file: records come out, or BadLogFile."""
    damaged = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    try:
        unwrap(damaged, origin="x")
    except BadLogFile:
        return


def test_size_limit() -> None:
    """A document beyond the limit is refused while it is unpacked, with a hint what to do."""
    with pytest.raises(BadLogFile) as caught:
        read_contents(io.BytesIO(gzip.compress(bytes(3 << 20))), origin="x", max_bytes=1 << 20)

    assert "more than 1 MiB uncompressed" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_lines_are_read_in_runs(packed: bool) -> None:
    """A large line-delimited file comes in several runs of whole lines; the last carries the hashes of all."""
    line = text(record(1, userAgent="x" * 2000)).encode() + b"\n"
    body = line * (40_000_000 // len(line)) + b'{"last":1}'
    stored = gzip.compress(body, 1) if packed else body

    runs = list(read_lines(io.BytesIO(stored), origin="x"))

    assert len(runs) > 2
    assert body == b"".join(run.body for run in runs)
    assert all(run.body.endswith(b"\n") for run in runs[:-1])
    assert [""] * (len(runs) - 1) == [run.sha256_content for run in runs[:-1]]
    assert hashlib.sha256(body).hexdigest() == runs[-1].sha256_content
    assert hashlib.sha256(stored).hexdigest() == runs[-1].sha256_stored
