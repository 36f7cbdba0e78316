"""Log files, damaged and wrapped in every way somebody may hand them over."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from tests.campaign.records import nested

Change = Callable[[Random, bytes], bytes]


def trail(texts: list[str]) -> bytes:
    """A trail file's uncompressed bytes."""
    return f'{{"Records":[{",".join(texts)}]}}'.encode()


def mutated_file(random: Random, texts: list[str]) -> tuple[str, bytes]:
    """
    One log file's name and stored bytes.

    Args:
        random: Where all choices come from.
        texts: Its records, one at least.
    """
    content = random.choice(WRAPPED)(random, texts) if random.random() < 0.5 else trail(texts)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        content = random.choice(CONTENT)(random, content)
    stored = content
    if random.random() < 0.75:
        stored = random.choice(PACKED)(random, content)
    for _ in range(random.choice((0, 0, 0, 0, 1, 1, 2))):
        stored = random.choice(STORED)(random, stored)
    return file_name(random), stored


def file_name(random: Random) -> str:
    """Names that log files have, and names that only look odd."""
    minute = (
        f"2026{random.randint(1, 12):02}{random.randint(1, 28):02}T{random.randint(0, 23):02}{random.randint(0, 59):02}"
    )
    unique = f"{random.getrandbits(64):016x}"
    if random.random() < 0.4:
        return f"111122223333_CloudTrail_us-east-1_{minute}Z_{unique}.json.gz"
    ending = random.choice((".json", ".json.gz", ".gz", ".log", ".ndjson", ".txt", "", ".JSON.GZ", ".bak", ".tar.json"))
    odd = random.choice(
        ("", " ", "'", '"', "%41", "#", "?", "[x]", "é", "\n", ";", "$x", "!/a", "-", ",", "\\", "*", "😀")
    )
    return f"{odd}{unique}{odd}{ending}"


def _object_by_id(random: Random, texts: list[str]) -> bytes:
    return ("{" + ",".join(f'"{number}":{text}' for number, text in enumerate(texts)) + "}").encode()


def _messages(texts: list[str]) -> str:
    events = ",".join(f'{{"id":"{n}","timestamp":1,"message":{json.dumps(text)}}}' for n, text in enumerate(texts))
    return f'{{"messageType":"DATA_MESSAGE","logGroup":"g","logStream":"s","logEvents":[{events}]}}'


def _subscription(random: Random, texts: list[str]) -> bytes:
    return _messages(texts).encode()


def _kinesis(random: Random, texts: list[str]) -> bytes:
    data = base64.b64encode(gzip.compress(_messages(texts).encode(), mtime=0)).decode()
    return json.dumps({"awslogs": {"data": data}}).encode()


def _lookup_events(random: Random, texts: list[str]) -> bytes:
    return json.dumps({"Events": [{"EventId": "x", "CloudTrailEvent": text} for text in texts]}).encode()


def _event_bridge(random: Random, texts: list[str]) -> bytes:
    return "\n".join(f'{{"version":"0","detail-type":"AWS API Call","detail":{text}}}' for text in texts).encode()


def _mixed_lines(random: Random, texts: list[str]) -> bytes:
    """Records, trail files, arrays, empty lines and other things, one a line."""
    ways = (
        lambda text: text,
        lambda text: f'{{"Records":[{text}]}}',
        lambda text: f"[{text}]",
        lambda text: '{"Records":[]}',
        lambda text: "",
        lambda text: '{"other":1}',
        lambda text: "5",
        lambda text: "not json",
        lambda text: text + ",",
    )
    weights = (10, 5, 3, 1, 2, 1, 0.3, 0.3, 0.3)
    return "\n".join(random.choices(ways, weights)[0](text) for text in texts).encode()


WRAPPED: tuple[Callable[[Random, list[str]], bytes], ...] = (
    lambda random, texts: ("[" + ",".join(texts) + "]").encode(),
    lambda random, texts: "\n".join(texts).encode(),
    lambda random, texts: ("\r\n".join(texts) + "\r\n").encode(),
    lambda random, texts: "".join(texts).encode(),
    lambda random, texts: b"".join(trail([text]) for text in texts),
    lambda random, texts: b"\n".join(trail(texts[n::2]) for n in range(2)),
    lambda random, texts: texts[0].encode(),
    lambda random, texts: ('{"Records": [\n' + ",\n".join(texts) + "\n]}\n").encode(),
    lambda random, texts: ('{"Records":[' + ",".join(texts) + '],"NextToken":"x"}').encode(),
    lambda random, texts: ('{"NextToken":"x","Records":[' + ",".join(texts) + "]}").encode(),
    lambda random, texts: ('{"records":[' + ",".join(texts) + "]}").encode(),
    lambda random, texts: ('{"Records":' + texts[0] + "}").encode(),
    lambda random, texts: b'{"Records":null}',
    lambda random, texts: b'{"Records":[]}',
    lambda random, texts: b"[]",
    lambda random, texts: b'{"Records":"text"}',
    lambda random, texts: b'{"Records":[null,5,"x",[],{}]}',
    lambda random, texts: ('{"Records":[[' + ",".join(texts) + "]]}").encode(),
    lambda random, texts: ('{"Records":[{"Records":[' + ",".join(texts) + "]}]}").encode(),
    lambda random, texts: ('{"Records":[' + texts[0] + '],"Records":[' + texts[-1] + "]}").encode(),
    lambda random, texts: ("[[" + ",".join(texts) + "]]").encode(),
    lambda random, texts: json.dumps(texts).encode(),
    lambda random, texts: ('{"Records":[' + ",".join(texts) + ",]}").encode(),
    lambda random, texts: (
        b'{"Records":[{"eventSource":"aws:s3","eventTime":"2026-10-01T00:00:00Z","eventName":"Put"}]}'
    ),
    lambda random, texts: b'{"awsAccountId":"1","digestSignatureAlgorithm":"SHA256withRSA","logFiles":[]}',
    _object_by_id,
    _subscription,
    _kinesis,
    _lookup_events,
    _event_bridge,
    _mixed_lines,
    _mixed_lines,
)
"""Containers, known ones and others."""


def _byte_changed(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) or 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _bits_flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8)) if data else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _part_missing(random: Random, data: bytes) -> bytes:
    begin = random.randrange(len(data) + 1)
    return data[:begin] + data[begin + random.choice((1, 2, 100)) :]


def _part_twice(random: Random, data: bytes) -> bytes:
    begin, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return data[:end] + data[begin:]


def _bytes_inserted(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    odd = (
        b"\0",
        b"\n",
        b" ",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xf4\x90\x80\x80",
        b"\x01",
        b"NaN",
    )
    return data[:at] + random.choice((*odd, random.randbytes(8))) + data[at:]


def _behind(*ends: bytes) -> Change:
    return lambda random, data: data + random.choice(ends)


def _before(*beginnings: bytes) -> Change:
    return lambda random, data: random.choice(beginnings) + data


def _in_other_letters(random: Random, data: bytes) -> bytes:
    encoding = random.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-7", "utf-8-sig", "cp037"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _deep(random: Random, data: bytes) -> bytes:
    return data.replace(b"{", b'{"deep":' + nested(random, random.choice((50, 5000, 50_000))).encode() + b",", 2)


CONTENT: tuple[Change, ...] = (
    _byte_changed,
    _bits_flipped,
    _cut,
    _part_missing,
    _part_twice,
    _bytes_inserted,
    _before(
        b"\xef\xbb\xbf", b" ", b"\n\n", b"\0", b")]}',\n", b"var x = ", b"# log\n", b"// x\n", b"\x1f\x8b", b"[", b"{"
    ),
    _behind(
        b" ", b"\n", b"\r\n\r\n", b"\0", bytes(512), b",", b"]", b"}", b" x", b"null", b"{}", b"[]", b"\x1a", b"\xff"
    ),
    _in_other_letters,
    _deep,
    lambda random, data: data.replace(b"\n", b"\r\n"),
    lambda random, data: data.replace(b":", b" : ").replace(b",", b" ,\n"),
    lambda random, data: data.replace(b'"', b"'"),
    lambda random, data: data.replace(b'":"', b'":NaN,"x":"', 1),
    lambda random, data: data.replace(b"eventTime", b"eventTime\xff", 1),
    lambda random, data: data.replace(b"eventTime", b"EventTime"),
    lambda random, data: data.replace(b"Records", rb"\u0052ecords", 1),
    lambda random, data: data + data,
    lambda random, data: data * 2 + data[: len(data) // 2],
    lambda random, data: b"",
    lambda random, data: b" \n\t ",
    lambda random, data: b"<!DOCTYPE html><html></html>",
    lambda random, data: b"eventTime,eventName\n2026-10-01,X\n",
    lambda random, data: random.randbytes(random.choice((1, 10, 1000))),
    lambda random, data: bytes(random.choice((1, 2, 600, 300_000))),
)
"""Changes of the uncompressed bytes."""


def _member(data: bytes, level: int = 6) -> bytes:
    return zlib.compress(data, level, 31)


def _in_members(random: Random, data: bytes) -> bytes:
    size = max(1, len(data) // random.choice((1, 2, 5, 40)))
    members = [_member(data[at : at + size]) for at in range(0, len(data), size)]
    for _ in range(random.choice((0, 1, 3))):
        members.insert(random.randint(0, len(members)), _member(b""))
    return b"".join(members)


def _with_header(random: Random, data: bytes) -> bytes:
    """A gzip header with all that it may hold: extra field, file name, comment, checksum."""
    packed = _member(data)
    head = packed[:3] + b"\x1e" + packed[4:10] + b"\x04\0abcd" + b"name.json\0" + b"comment\0"
    return head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + packed[10:]


def _zipped(random: Random, data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.json", (2026, 10, 1, 0, 0, 0)), data)
    return held.getvalue()


PACKED: tuple[Change, ...] = (
    *(lambda random, data: _member(data),) * 6,
    lambda random, data: _member(data, 0),
    lambda random, data: _member(data, 9),
    _in_members,
    _in_members,
    _with_header,
    lambda random, data: _member(_member(data)),
    lambda random, data: zlib.compress(data),
    lambda random, data: zlib.compress(data, wbits=-15),
    lambda random, data: bz2.compress(data),
    _zipped,
)
"""Ways to compress them."""

STORED: tuple[Change, ...] = (
    _bits_flipped,
    _bits_flipped,
    _cut,
    _cut,
    _part_missing,
    _bytes_inserted,
    _behind(
        bytes(8),
        bytes(512),
        bytes(600_000),
        b"junk",
        b"\x1f",
        b"\x1f\x8b",
        b"\0junk",
        b"\n",
        _member(b" "),
        _member(b"x"),
    ),
    _before(b"\0", b"\x1f\x8b\x08\0", b"\n", b"\xef\xbb\xbf", _member(b""), _member(b" ")),
    lambda random, data: data + data,
    lambda random, data: data[:-8] + random.randbytes(4) + data[-4:],
    lambda random, data: data[:-4] + random.randbytes(4),
    lambda random, data: data[:-4],
)
"""Changes of the stored bytes."""
