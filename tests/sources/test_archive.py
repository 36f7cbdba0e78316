"""Log files inside archives: members, doubles, damage."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ingest, Rows
from tests.made import log_key, record, tarred, text, trail, write_file, zipped
from trailql.ingest import IngestSummary
from trailql.ingest.pipeline import Limits
from trailql.normalize.prepare import prepare
from trailql.sources.local import local_log_files

FIRST, SECOND = gzip.compress(trail(record(1))), gzip.compress(trail(record(2)))
Pack = Callable[..., bytes]
KINDS = [
    pytest.param("logs.zip", zipped, id="zip"),
    pytest.param("logs.tar", tarred, id="tar"),
    pytest.param("logs.tgz", lambda *members: tarred(*members, mode="w:gz"), id="tgz"),
]


def reasons(summary: IngestSummary, folder: Path) -> dict[str, str]:
    """The rejected files' reasons by their names below the folder."""
    return {uri.removeprefix(f"{folder}/"): reason for uri, reason in summary.problems}


@pytest.mark.parametrize(("name", "pack"), [*KINDS, pytest.param("logs.tar.gz", KINDS[-1].values[1], id="tar.gz")])
def test_members_are_log_files(logs: Path, ingest: Ingest, rows: Rows, name: str, pack: Pack) -> None:
    """Every member is read as a log file of its own, named `archive!/member`."""
    key = log_key()
    path = write_file(logs, name, pack((key, FIRST), ("plain.json", trail(record(2)))))

    summary = ingest()

    assert (2, 2, 0) == (summary.ingested, summary.events_added, summary.rejected)
    assert {f"{path}!/{key}", f"{path}!/plain.json"} == {row["log_file"] for row in rows()}
    assert {"111122223333", None} == {row["account"] for row in rows("files")}


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_members_of_other_folders_are_skipped(logs: Path, ingest: Ingest, name: str, pack: Pack) -> None:
    """Digests inside an archive are skipped like those beside it."""
    write_file(logs, name, pack((log_key(folder="CloudTrail-Digest"), b"{}"), ("a.json.gz", FIRST)))

    summary = ingest()

    assert {"in the CloudTrail-Digest folder: no event records": 1} == summary.skipped
    assert 1 == summary.events_added


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_equal_member_names_are_told_apart(logs: Path, ingest: Ingest, rows: Rows, name: str, pack: Pack) -> None:
    """Two members of one name are both read, the second as `name#2`."""
    path = write_file(logs, name, pack(("a.json.gz", FIRST), ("a.json.gz", SECOND)))

    ingest()

    assert {f"{path}!/a.json.gz", f"{path}!/a.json.gz#2"} == {row["log_file"] for row in rows()}


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_bad_member_is_named_and_stops_nothing(logs: Path, ingest: Ingest, name: str, pack: Pack) -> None:
    """A member that is cut off or no log is rejected by its own name; its neighbours are read."""
    members = (("a.json.gz", FIRST), ("cut.json.gz", SECOND[:-20]), ("page.json", b"<html>"), ("z.json.gz", SECOND))
    write_file(logs, name, pack(*members))

    summary = ingest()

    assert 2 == summary.events_added
    found = reasons(summary, logs)
    assert {f"{name}!/cut.json.gz", f"{name}!/page.json"} == set(found)
    assert found[f"{name}!/cut.json.gz"].startswith("truncated")


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_large_member_is_read_in_parts(logs: Path, ingest: Ingest, rows: Rows, name: str, pack: Pack) -> None:
    """A line-delimited member beyond the size limit streams like any other file."""
    lines = "\n".join(text(record(number)) for number in range(1200))
    write_file(logs, name, pack(("lines.ndjson", lines.encode())))

    summary = ingest(limits=Limits(max_file_bytes=1 << 20))

    assert (0, 1200) == (summary.rejected, len(rows()))


@pytest.mark.parametrize("kept", [0.3, 0.6], ids=["early", "late"])
@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_archive_cut_off_is_named(logs: Path, ingest: Ingest, name: str, pack: Pack, kept: float) -> None:
    """An archive that breaks off is rejected by name; what lies before the damage may be read."""
    whole = pack(*((f"{number}.json", trail(record(number))) for number in range(20)))
    write_file(logs, name, whole[: int(len(whole) * kept)])
    write_file(logs, "ok.json", trail(record(99)))

    summary = ingest()

    assert 1 <= summary.rejected
    assert all(uri.startswith(str(logs / name)) for uri, _ in summary.problems)
    assert 1 <= summary.events_added


def test_encrypted_member_is_named(logs: Path, ingest: Ingest) -> None:
    """A member under a password is rejected with that reason; the others are read."""
    whole = bytearray(zipped(("locked.json", trail(record(1))), ("open.json", trail(record(2)))))
    for marker, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the encryption bit in both headers
        whole[whole.index(marker) + flags_at] |= 1
    write_file(logs, "logs.zip", bytes(whole))

    summary = ingest()

    assert 1 == summary.events_added
    assert "the zip member is encrypted" in reasons(summary, logs)["logs.zip!/locked.json"]


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_replaced_archive_is_read_again(logs: Path, ingest: Ingest, name: str, pack: Pack) -> None:
    """Other records under the same member name, size and time are seen when the archive is another one."""
    one, other = (trail(record(1, eventID=f"{number:036d}")) for number in (1, 2))
    assert len(one) == len(other)
    path = write_file(logs, name, pack(("a.json", one)))
    ingest()
    path.write_bytes(pack(("a.json", other)))

    assert 1 == ingest().events_added


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_any_byte_of_a_zip_flipped(tmp_path: Path, method: int) -> None:
    """Whatever byte of a zip is damaged, its members are read or rejected; nothing else is raised."""
    small = text({"eventTime": "2026-10-01T00:00:00Z", "eventName": "X", "eventID": "1"}).encode()
    flip_every_byte(tmp_path / "logs.zip", zipped(("a.json", small), ("b.json", small), method=method))


@pytest.mark.parametrize("mode", ["w", "w:gz"], ids=["tar", "tgz"])
def test_any_byte_of_a_tar_flipped(tmp_path: Path, mode: str) -> None:
    """Whatever byte of a tar is damaged, its members are read or rejected; nothing else is raised."""
    small = text({"eventTime": "2026-10-01T00:00:00Z", "eventName": "X", "eventID": "1"}).encode()
    whole = tarred(("a.json", small), ("b.json", small), mode=mode)
    flip_every_byte(tmp_path / "logs.tgz", whole[: 4 * tarfile.BLOCKSIZE])


def flip_every_byte(path: Path, whole: bytes) -> None:
    """Read the archive once for each of its bytes, with that byte flipped."""
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x41]) + whole[position + 1 :])
        for log_file in local_log_files([str(path)]):
            for part in prepare(log_file):
                assert part.problem or part.container or log_file.skip, position
