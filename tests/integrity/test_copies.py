"""Copies as they come: flat, in archives, unpacked, several of them, with some signatures saved or none."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integrity.made_chain import FIRST, HOUR, Made
from tests.made import ACCOUNT, record, trail
from trailql.errors import UsageError
from trailql.ingest import ingest_logs
from trailql.integrity.changes import changes_in
from trailql.integrity.copies import Copies
from trailql.integrity.digest import parse_digest
from trailql.integrity.evidence import DigestCopy, LogCopy, SavedSignature
from trailql.integrity.judge import _signed_about
from trailql.integrity.keys import PublicKeys, load_public_keys, save_public_keys
from trailql.integrity.ledger import InLedger
from trailql.integrity.names import ChainName, DigestName, contradicts, read_digest_name
from trailql.integrity.verdict import Gap, GapKind, Result, Verdict
from trailql.integrity.verify import Scope, Verification, _not_in_a_digest, _Window
from trailql.lake.lake import open_lake_folder
from trailql.lake.session import working_connection
from trailql.sources.keys import KeyFacts
from trailql.sources.local import local_log_files


@pytest.fixture
def made() -> Made:
    return Made("copies").chain()


def keys_of(made: Made, tmp_path: Path) -> PublicKeys:
    return load_public_keys(made.write_keys(tmp_path / "keys.json"))


def verified(source: Path, keys: PublicKeys, scope: Scope | None = None) -> Verification:
    found = Verification(Copies(local_log_files([str(source)])), lambda chain, since, until: keys, scope)
    found.all = list(found.results())  # type: ignore[attr-defined]
    return found


def odd(found: Verification) -> dict[str, str]:
    """What is not valid, by the minute or hour in its name."""
    results: list[Result] = found.all  # type: ignore[attr-defined]
    return {
        (each.uri or each.file).rpartition("/")[2]: each.verdict.value
        for each in results
        if not isinstance(each, Gap) and each.verdict is not Verdict.VALID
    }


def all_valid(found: Verification) -> bool:
    return not odd(found) and (6, 12) == (found.summary.digests.total(), found.summary.logs.total())


def test_flat_unpacked_and_packed(made: Made, tmp_path: Path) -> None:
    """A flat folder, a flat folder after gunzip, a zip and a tar.gz of all folders: everything is valid."""
    keys = keys_of(made, tmp_path)
    flat = made.write(tmp_path / "flat", flat=True)
    assert all_valid(verified(flat, keys))

    folders = made.write(tmp_path / "folders")
    for path in flat.glob("*.json.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert all_valid(verified(flat, keys))

    shutil.make_archive(str(tmp_path / "packed"), "zip", folders)
    assert all_valid(verified(tmp_path / "packed.zip", keys))
    shutil.make_archive(str(tmp_path / "packed"), "gztar", folders)
    assert all_valid(verified(tmp_path / "packed.tar.gz", keys))


def test_damage_within_archives(made: Made, tmp_path: Path) -> None:
    """A changed member of a zip and of a tar is modified; a member under another key is moved."""
    made.change("log 2.1", lambda body: body + b" ")
    keys, folders = keys_of(made, tmp_path), made.write(tmp_path / "folders")
    name = made.key("log 2.1").rpartition("/")[2]
    for kind, ending in (("zip", "zip"), ("tar", "tar")):
        shutil.make_archive(str(tmp_path / "packed"), kind, folders)
        assert {name: "modified"} == odd(verified(tmp_path / f"packed.{ending}", keys))


def test_copies_of_copies(made: Made, tmp_path: Path) -> None:
    """Of two copies of a log file that differ, the changed one is named; equal ones are no matter."""
    keys = keys_of(made, tmp_path)
    made.write(tmp_path / "all" / "one")
    second = made.write(tmp_path / "all" / "two")
    assert not odd(verified(tmp_path / "all", keys))

    changed = second / made.key("log 3.1")
    changed.write_bytes(gzip.compress(b"{}"))
    found = verified(tmp_path / "all", keys)
    results: list[Result] = found.all  # type: ignore[attr-defined]
    assert [str(changed)] == [each.file for each in results if not isinstance(each, Gap) and each.verdict.is_invalid]


def test_newest_digest_needs_its_signature(made: Made, tmp_path: Path) -> None:
    """Without it that digest and its log files are unverifiable, and only they; a wrong hash is found all the same."""
    keys, root = keys_of(made, tmp_path), made.write(tmp_path / "logs", signatures="none")
    names = [made.key(label).rpartition("/")[2] for label in ("digest 6", "log 6.1", "log 6.2")]
    found = verified(root, keys)
    assert dict.fromkeys(names, "unverifiable") == odd(found)
    assert (0, 3) == (found.summary.invalid, found.summary.unverifiable)

    (root / f"{made.key('digest 6')}.signature").write_text(made.metadata[made.key("digest 6")]["signature"] + "\n")
    assert all_valid(verified(root, keys))

    (root / f"{made.key('digest 6')}.signature").write_text("00" * 256)
    assert "modified" == odd(verified(root, keys))[names[0]]

    (root / f"{made.key('digest 6')}.signature").unlink()
    (root / made.key("log 6.1")).write_bytes(gzip.compress(b"{}"))
    assert {names[0]: "unverifiable", names[1]: "modified", names[2]: "unverifiable"} == odd(verified(root, keys))


@pytest.mark.parametrize("saved", [b"a" * 100_000, b"\x1f\x8bnot gzip"], ids=["too large", "damaged"])
def test_a_saved_signature_that_cannot_be_read(made: Made, tmp_path: Path, saved: bytes) -> None:
    """It is as if it had not been saved, and is named; the digest itself may well be good."""
    keys, root = keys_of(made, tmp_path), made.write(tmp_path / "logs", signatures="none")
    for label in ("digest 3", "digest 6"):
        (root / f"{made.key(label)}.signature").write_bytes(saved)
    copies = Copies(local_log_files([str(root)]))
    found = Verification(copies, lambda chain, since, until: keys)
    list(found.results())

    assert (0, 3) == (found.summary.invalid, found.summary.unverifiable)
    assert ["digest 3", "digest 6"] == sorted(
        label for label in ("digest 3", "digest 6") for uri, _ in copies.unreadable if made.key(label) in uri
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"digestEndTime": "2031-01-01T00:00:00Z"},
        {"digestEndTime": "9999-12-31T23:59:59Z"},
        {"digestStartTime": "0001-01-01T00:00:00Z"},
        {},
    ],
    ids=["later", "the last year", "the first year", "as it was"],
)
@pytest.mark.parametrize("has_keys", [True, False])
def test_a_digest_that_names_a_key_nobody_has(
    made: Made, tmp_path: Path, fields: dict[str, str], has_keys: bool
) -> None:
    """Another time in it does not make it unverifiable: its name has one too, and the digest after it a hash of it."""
    made.edit("digest 3", digestPublicKeyFingerprint="00" * 16, **fields)
    found = verified(made.write(tmp_path / "logs"), keys_of(made, tmp_path) if has_keys else PublicKeys(()))
    is_read = has_keys or "digestStartTime" in fields or fields.get("digestEndTime", "").startswith("9")

    name = made.key("digest 3").rpartition("/")[2]
    assert ("modified" if is_read else "unverifiable") == odd(found)[name]


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_names_of_impossible_times(made: Made, tmp_path: Path, year: str) -> None:
    """A planted name cannot stop the verification: such a digest is none, such a log file is not covered."""
    keys, root = keys_of(made, tmp_path), made.write(tmp_path / "logs")
    for label, moment in (("digest 3", f"{year}1231T235959Z"), ("log 3.1", f"{year}1231T2359Z")):
        path = root / made.key(label)
        planted = re.sub(r"_\d{8}T\d{4,6}Z", f"_{moment}", path.name)
        path.with_name(planted).write_bytes(path.read_bytes())
    found = verified(root, keys)

    assert ["uncovered"] == list(odd(found).values())


def test_times_no_clock_has_shown(made: Made, tmp_path: Path) -> None:
    """The time a backfill digest's metadata tells may be anything; so may an event's."""
    backfill = DigestCopy(
        DigestName(ChainName(ACCOUNT, "us-east-1", "t", "us-east-1", is_backfill=True), "20260101T000000Z"), ""
    )
    digest = parse_digest(made.content("digest 3"), "")
    assert _signed_about(backfill, digest, SavedSignature("aa", "", "0001-01-01T00:00:00+23:00")) is None
    body = {"Records": [{"eventName": "StopLogging", "eventTime": "0001-01-01T00:00:00+23:00"}]}
    assert [] == list(changes_in(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("place", "verdict"),
    [
        ("s3://trail-bucket/audit/", Verdict.UNLISTED),
        ("s3://trail-bucket/", Verdict.UNCOVERED),
        ("s3://trail-bucket/other/", Verdict.UNCOVERED),
        ("s3://copies/kept/", Verdict.UNLISTED),
        ("/copies/", Verdict.UNLISTED),
    ],
)
def test_another_trail_elsewhere_in_the_bucket(place: str, verdict: Verdict) -> None:
    """A digest does not speak of what is delivered to another prefix: that trail may well have no digests."""
    moment = FIRST.replace(minute=10)
    windows = [_Window(FIRST, FIRST + HOUR, "", "", ("trail-bucket", "audit/"))]
    file = f"{place}AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/10/15/x.json.gz"

    assert verdict is _not_in_a_digest(LogCopy(file, KeyFacts(delivered_at=moment)), windows)[0]


@pytest.mark.parametrize("name", ["digestS3Bucket", "previousDigestS3Bucket"])
@pytest.mark.parametrize("value", ["", "a/b"])
def test_a_digest_that_names_no_bucket(made: Made, tmp_path: Path, name: str, value: str) -> None:
    """Without a bucket it is no digest; nothing is asked for there, and nothing stops."""
    made.edit("digest 3", **{name: value})
    found = verified(made.write(tmp_path / "logs"), PublicKeys(()))
    assert "modified" == odd(found)[made.key("digest 3").rpartition("/")[2]]


def test_a_listed_file_without_a_bucket(made: Made) -> None:
    """That list cannot be told, and none of its files is looked for."""
    listed = [{"s3Bucket": "", "s3Object": "x", "hashValue": "00", "hashAlgorithm": "SHA-256"}]
    made.edit("digest 3", logFiles=listed)
    digest = parse_digest(made.content("digest 3"), "")
    assert ((), "s3Bucket is no bucket's name") == (digest.files, digest.problem)


def test_rows_of_one_chain_are_judged_while_another_is_walked(made: Made, tmp_path: Path) -> None:
    """Log files are judged by other threads, when the ledger rows of the next chain may be held already."""
    root = made.write(tmp_path / "logs")
    ingest_logs([str(root)], tmp_path / "lake")
    lake = open_lake_folder(tmp_path / "lake")
    digest = parse_digest(made.content("digest 3"), "")
    with working_connection(lake) as con:
        ledger = InLedger(con, lake, Copies(local_log_files([str(root)])))
        ledger.begin(read_digest_name(made.key("digest 3")).chain)  # type: ignore[union-attr]
        ((copy, *_), *_) = ledger.find_logs([listed.place for listed in digest.files])
        ledger.begin(ChainName("999999999999", "eu-west-1", "other", "eu-west-1"))
        stored = ledger.read_log(copy)
    assert stored is not None
    assert digest.files[0].sha256 == stored.sha256


def test_a_window_borrows_the_signature_after_it(made: Made, tmp_path: Path) -> None:
    """The newest digest of the time asked for is verified with the one after it, which is not reported."""
    keys, root = keys_of(made, tmp_path), made.write(tmp_path / "logs", signatures="none")
    found = verified(root, keys, Scope(until=FIRST + 2 * HOUR))
    assert (not odd(found), 3) == (True, found.summary.digests[Verdict.VALID])


def test_without_keys_hashes_are_compared(made: Made, tmp_path: Path) -> None:
    """No key: nothing is valid, and what does not match its digest is modified."""
    made.change("log 2.1", lambda body: body + b" ")
    found = verified(made.write(tmp_path / "logs"), PublicKeys(()))
    assert (0, 1, 17) == (
        found.summary.digests[Verdict.VALID],
        found.summary.logs[Verdict.MODIFIED],
        found.summary.unverifiable,
    )


def test_what_explains_a_gap(tmp_path: Path) -> None:
    """The StopLogging in a log file before the chain began anew, by who made it."""
    made = Made("gap")
    stop = record(
        at=FIRST + timedelta(minutes=90),
        eventSource="cloudtrail.amazonaws.com",
        eventName="StopLogging",
        requestParameters={"name": "gap"},
    )
    before = made.add_digest(1, [made.add_log(1, 1)], None)
    made.add_digest(2, [made.add_log(2, 1, trail(stop))], before)
    made.add_digest(5, [], None)
    found = verified(made.write(tmp_path / "logs", signatures="all"), keys_of(made, tmp_path))

    (gap,) = [each for each in found.all if isinstance(each, Gap)]  # type: ignore[attr-defined]
    explained = found.explained(gap)

    assert (GapKind.RESTART, FIRST + 2 * HOUR, FIRST + 4 * HOUR) == (gap.kind, gap.since, gap.until)
    assert [("StopLogging", ACCOUNT)] == [(change.name, change.account) for change in explained.changes]


def test_no_digests_after_the_newest(made: Made, tmp_path: Path) -> None:
    """Where an end is asked for, the time from the newest digest to it is a gap."""
    found = verified(made.write(tmp_path / "logs"), keys_of(made, tmp_path), Scope(until=FIRST + 30 * HOUR))
    assert [GapKind.END] == [each.kind for each in found.all if isinstance(each, Gap)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "a\x00b", "..", ""])
def test_keys_in_digests_lead_nowhere(name: str, tmp_path: Path) -> None:
    """A digest's keys are compared with names that were found; none is ever opened."""
    made = Made("path")
    entry = made.add_log(1, 1) | {"s3Object": name}
    made.add_digest(1, [entry], None)
    found = verified(made.write(tmp_path / "logs"), keys_of(made, tmp_path))
    assert (1, 0) == (found.summary.logs[Verdict.MISSING], found.summary.logs[Verdict.VALID])


def test_members_of_archives_lead_nowhere(made: Made, tmp_path: Path) -> None:
    """An archive whose member names climb out of it is only read."""
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for key, stored in made.objects.items():
            archive.writestr(f"../../{key}", stored)
    found = verified(tmp_path / "evil.zip", keys_of(made, tmp_path))
    assert 5 == found.summary.digests[Verdict.VALID]
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for key, stored in made.objects.items():
            told = tarfile.TarInfo(f"/{key}")
            told.size = len(stored)
            tar.addfile(told, io.BytesIO(stored))
    assert 5 == verified(tmp_path / "evil.tar", keys_of(made, tmp_path)).summary.digests[Verdict.VALID]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/01/a.json.gz", False),
        ("/cases/7/111122223333/CloudTrail/us-east-1/2026/10/01/a.json.gz", False),
        ("/cases/7/2026/10/01/a.json", False),
        ("/cases/7/a.json.gz", False),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/02/a.json.gz", True),
        ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/01/a.json.gz", True),
        ("AWSLogs/444455556666/CloudTrail/us-east-1/2026/10/01/a.json.gz", True),
        ("AWSLogs/o-exampleorg1/111122223333/CloudTrail/us-east-1/2026/10/01/a.json.gz", True),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/01/b.json.gz", True),
    ],
)
def test_where_a_copy_may_lie(path: str, expected: bool) -> None:
    """Upper folders may be gone and others above; a folder of the layout may not be another one."""
    assert expected is contradicts(path, "bucket/AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/01/a.json.gz")


def test_files_of_keys(made: Made, tmp_path: Path) -> None:
    """What the AWS CLI prints is read, both encodings, and kept together with what was saved before."""
    made.keys[0].encoding = "spki"
    first = keys_of(made, tmp_path)
    assert 1 == save_public_keys(first, tmp_path / "saved.json")
    other = Made("other")
    assert 2 == save_public_keys(load_public_keys(other.write_keys(tmp_path / "o.json")), tmp_path / "saved.json")
    assert 2 == save_public_keys(first, tmp_path / "saved.json")
    assert all_valid(verified(made.write(tmp_path / "logs"), load_public_keys(tmp_path / "saved.json")))


@pytest.mark.parametrize(
    "text",
    ["", "[]x", "{}", '{"PublicKeyList": [{}]}', '{"PublicKeyList": [{"Value": "!", "Fingerprint": "a"}]}', "[1]"],
)
def test_files_that_hold_no_keys(text: str, tmp_path: Path) -> None:
    """Wrong usage that names the file."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="list-public-keys"):
        load_public_keys(path)


def test_hostile_digests(tmp_path: Path) -> None:
    """JSON of any shape is a verdict, never a traceback."""
    shapes = ["null", "1", '"a"', "{}", "[" * 100_000, '{"logFiles": [1]}', '{"digestEndTime": 1}', "\ud800"]
    made = Made("hostile")
    for number, shape in enumerate(shapes, 1):
        key = made.add_digest(number, [], None)
        made.objects[key] = gzip.compress(shape.encode("utf-8", "surrogatepass"))
    fields = ("logFiles", "digestS3Object", "previousDigestSignature", "digestPublicKeyFingerprint", "digestEndTime")
    for number, name in enumerate(fields, len(shapes) + 1):
        key = made.add_digest(number, [], None)
        document = json.loads(gzip.decompress(made.objects[key])) | {name: [{"s3Bucket": 7}]}
        made.objects[key] = gzip.compress(json.dumps(document).encode())
    found = verified(made.write(tmp_path / "logs", signatures="all"), keys_of(made, tmp_path))
    assert len(shapes) + len(fields) == found.summary.digests[Verdict.MODIFIED]
