"""A bucket: what is found, what is read, what is reported."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ReadTimeoutError

from tests.conftest import read_table
from tests.made import insight_record, record, text, trail
from tests.s3.conftest import S3Ingest
from tests.s3.made_bucket import event_id, key, log_file
from tests.servers import KEYS, LIST, REPOSITORY, SECRETS, Server, free_port, running
from trailql.errors import QueryError, SourceError, UsageError
from trailql.ingest import Selection, ingest_logs
from trailql.lake.listings import Listed, start_day
from trailql.query.engine import open_lake
from trailql.sources.aws import AccessRefused, Aws, AwsAccess, CredentialsExpired, aws_error
from trailql.sources.s3 import Bucket, S3Object, split_s3_uri
from trailql.sources.trail_prefixes import find_trail_prefixes

_NOW = datetime.now(UTC).replace(tzinfo=None)
_ACCOUNT, _OTHER = "111122223333", "444455556666"
Put = Callable[[str, bytes], None]


@pytest.fixture
def put(server: Server, bucket: str) -> Put:
    """Put an object into the bucket."""
    client = server.client("s3")

    def run(name: str, body: bytes) -> None:
        client.put_object(Bucket=bucket, Key=name, Body=body)

    return run


def days_ago(days: int) -> datetime:
    """So many days before now."""
    return _NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/p/AWSLogs/", ("b", "p/AWSLogs/")),
        ("s3://b/a b#c?d", ("b", "a b#c?d")),
        ("S3://b/é%20", ("b", "é%20")),
    ],
)
def test_uris(uri: str, expected: tuple[str, str]) -> None:
    """Bucket and key come apart, odd characters kept."""
    assert expected == split_s3_uri(uri)


def test_uri_without_bucket() -> None:
    """A URI that names no bucket is a wrong argument."""
    with pytest.raises(UsageError):
        split_s3_uri("s3://")


def test_layouts_side_by_side(bucket: str, put: Put, s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """Organization and single accounts, with and without a prefix, are found; other services' folders are not read."""
    roots = ["AWSLogs", "AWSLogs/o-exampleorg1", "a/b/AWSLogs", "a/b/AWSLogs/o-exampleorg2"]
    for number, root in enumerate(roots):
        put(key(_ACCOUNT, "eu-west-1", days_ago(1), "a" * 16, root=root), log_file(number, 1, days_ago(1)))
    network = key(_ACCOUNT, "eu-west-1", days_ago(1), "b" * 16, folder="CloudTrail-NetworkActivity")
    put(network, log_file(4, 1, days_ago(1)))
    insights = key(_ACCOUNT, "eu-west-1", days_ago(1), "d" * 16, folder="CloudTrail-Insight")
    put(insights, gzip.compress(trail(insight_record())))
    for folder in ("CloudTrail-Digest", "CloudTrail-Aggregated", "vpcflowlogs", "Config"):
        put(key(_ACCOUNT, "eu-west-1", days_ago(1), "c" * 16, folder=folder), b"not to be read")
    put("other/things.json", b"not to be read")

    summary = s3_ingest(f"s3://{bucket}")

    assert (6, 6, 0, 1) == (summary.files_seen, summary.ingested, summary.rejected, summary.insights_added)
    assert sorted(map(event_id, range(5))) == sorted(row["eventID"] for row in read_table(lake_dir, "events"))


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("AWSLogs/", 4),
        ("AWSLogs", 4),
        ("AWSLogs/o-exampleorg1/", 2),
        (f"AWSLogs/{_ACCOUNT}", 2),
        (f"AWSLogs/{_ACCOUNT}/CloudTrail/", 2),
        (f"AWSLogs/{_ACCOUNT}/CloudTrail/eu-west-1/", 1),
        (f"AWSLogs/{_ACCOUNT}/CloudTrail/eu-west-1/{days_ago(1):%Y/%m/%d}", 1),
    ],
)
def test_prefixes_within_a_trail(bucket: str, put: Put, s3_ingest: S3Ingest, within: str, expected: int) -> None:
    """A URI may name any folder of the layout."""
    number = 0
    for root in ("AWSLogs", "AWSLogs/o-exampleorg1"):
        for region in ("eu-west-1", "us-east-1"):
            put(key(_ACCOUNT, region, days_ago(1), "a" * 16, root=root), log_file(number, 1, days_ago(1)))
            number += 1

    assert expected == s3_ingest(f"s3://{bucket}/{within}").ingested


def test_requests_are_those_of_the_table(bucket: str, put: Put, server: Server, lake_dir: Path) -> None:
    """What docs/s3.md says of requests, counted where folders lie beside the trail and one account has two of them."""
    for account, region in ((_ACCOUNT, "eu-west-1"), (_ACCOUNT, "us-east-1"), (_OTHER, "eu-west-1")):
        put(key(account, region, days_ago(1), "a" * 16, root="audit/AWSLogs/o-exampleorg1"), b"[]")
    network = key(_OTHER, "eu-west-1", days_ago(1), "b" * 16, root="audit/AWSLogs", folder="CloudTrail-NetworkActivity")
    put(network, b"[]")
    put("config/deep/x.json", b"not to be read")
    aws = Aws(AwsAccess(endpoint_url=server.url))

    ingest_logs([f"s3://{bucket}"], lake_dir, aws=aws)

    above = 1 + 3  # the bucket; audit/, config/, config/deep/
    accounts = 3  # two of the organization, one by itself; each with one folder of events
    discovery = above + 1 + 1 + accounts + accounts  # … AWSLogs/, the organization
    assert {"HeadBucket": 1, "ListObjectsV2": discovery + 4, "GetObject": 4} == dict(aws.requests)


def test_a_single_object_and_odd_keys(bucket: str, put: Put, s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """Copies without any layout are read where they lie, whatever their keys hold."""
    keys = [
        "copy/é ü+%20 &=?#.json",
        "copy//double//slash.json.gz",
        "copy/./dot/../x.json",
        "copy/emoji-\U0001f600.json",
    ]
    for number, name in enumerate(keys):
        put(name, log_file(number, 1, days_ago(1)))

    assert 1 == s3_ingest(f"s3://{bucket}/{keys[0]}").ingested
    rest = s3_ingest(f"s3://{bucket}/copy/")

    assert (len(keys) - 1, 0) == (rest.ingested, rest.rejected)
    assert sorted(map(event_id, range(len(keys)))) == sorted(row["eventID"] for row in read_table(lake_dir, "events"))
    assert {f"s3://{bucket}/{name}" for name in keys} == {row["uri"] for row in read_table(lake_dir, "files")}


def test_late_object_is_picked_up(bucket: str, put: Put, s3_ingest: S3Ingest) -> None:
    """
    An object whose key sorts before everything seen is read by the next run: another account, another Region, a day
    within the trailing window. Beyond the window it takes a longer `relist_days`.
    """
    put(key(_OTHER, "us-east-1", days_ago(0), "m" * 16), log_file(0, 1, days_ago(0)))
    assert 1 == s3_ingest(f"s3://{bucket}").ingested

    put(key(_OTHER, "us-east-1", days_ago(2), "a" * 16), log_file(1, 1, days_ago(2)))
    put(key(_ACCOUNT, "us-east-1", days_ago(20), "a" * 16), log_file(2, 1, days_ago(20)))
    put(key(_OTHER, "ap-south-1", days_ago(20), "a" * 16), log_file(3, 1, days_ago(20)))
    assert 3 == s3_ingest(f"s3://{bucket}").ingested

    put(key(_OTHER, "us-east-1", days_ago(10), "a" * 16), log_file(4, 1, days_ago(10)))
    assert 0 == s3_ingest(f"s3://{bucket}").ingested
    assert 1 == s3_ingest(f"s3://{bucket}", relist_days=30).ingested


def test_rewritten_object_is_reported(bucket: str, put: Put, s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """A log file that changes in place is read, named, and overwrites nothing."""
    name = key(_ACCOUNT, "us-east-1", days_ago(0), "a" * 16)
    put(name, trail(record(1), record(2)))
    s3_ingest(f"s3://{bucket}")
    before = read_table(lake_dir, "files")[0]

    put(name, trail(record(1, eventName="Another"), record(3)))
    summary = s3_ingest(f"s3://{bucket}")

    assert [f"s3://{bucket}/{name}"] == [uri for uri, _ in summary.changed]
    assert summary.changed[0][1].startswith("changed in place: was ")
    assert before["sha256_stored"] in summary.changed[0][1]
    assert (2, 1) == (summary.events_added, summary.conflicts)
    held = read_table(lake_dir, "events")
    assert 4 == len(held)  # the first two, the rewritten one beside its original, and the new one
    assert 2 == len({row["eventName"] for row in held if row["eventID"] == record(1)["eventID"]})
    assert [] == s3_ingest(f"s3://{bucket}").changed


def test_filters_cost_nothing_later(bucket: str, put: Put, s3_ingest: S3Ingest) -> None:
    """A run over a few days, an account or a Region does not hide the rest from a later run."""
    for number, days in enumerate((1, 10, 40, 100)):
        put(key(_ACCOUNT, "us-east-1", days_ago(days), "a" * 16), log_file(number, 1, days_ago(days)))
    put(key(_OTHER, "eu-west-1", days_ago(1), "a" * 16), log_file(9, 1, days_ago(1)))
    since = days_ago(12).replace(tzinfo=UTC)

    some = s3_ingest(f"s3://{bucket}", selection=Selection(since=since, accounts=frozenset({_ACCOUNT})))
    assert 2 == some.ingested
    middle = Selection(since=days_ago(50).replace(tzinfo=UTC), until=since, regions=frozenset({"us-east-1"}))
    assert 1 == s3_ingest(f"s3://{bucket}", selection=middle).events_added
    assert 2 == s3_ingest(f"s3://{bucket}").events_added


def test_end_of_a_range_is_not_the_end_of_the_trail(bucket: str, put: Put, s3_ingest: S3Ingest) -> None:
    """Events that `until` or the hour of `since` left out come with a later run, though their files were read."""
    noon = days_ago(100).replace(hour=12, minute=0, second=0, microsecond=0)
    times = [noon + timedelta(hours=hours) for hours in (-11, -1, 1, 48, 24 * 8, 24 * 20)]
    for number, moment in enumerate(times):
        put(key(_ACCOUNT, "us-east-1", moment, "a" * 16), log_file(number, 1, moment))

    def taken(since: datetime | None, until: datetime | None) -> int:
        zoned = [moment and moment.replace(tzinfo=UTC) for moment in (since, until)]
        return s3_ingest(f"s3://{bucket}", selection=Selection(since=zoned[0], until=zoned[1])).events_added

    assert 2 == taken(noon, noon + timedelta(days=4))
    assert 1 == taken(noon - timedelta(hours=2), noon + timedelta(days=4))
    assert 1 == taken(None, noon + timedelta(days=4))
    assert 1 == taken(None, noon + timedelta(days=10))
    assert 1 == taken(None, None)
    assert 0 == taken(None, None)


def day(number: int) -> date:
    """The n-th of a month."""
    return date(2026, 10, number)


@pytest.mark.parametrize(
    ("listed", "first_wanted", "expected"),
    [
        ([], None, None),
        ([], day(5), day(5)),
        ([(None, day(20))], None, day(17)),
        ([(None, day(20))], day(5), day(17)),
        ([(None, day(20))], day(19), day(19)),
        ([(day(10), day(20))], None, None),
        ([(day(10), day(20))], day(10), day(17)),
        ([(day(10), day(20))], day(12), day(17)),
        ([(day(10), day(20))], day(9), day(9)),
        ([(day(10), day(20)), (None, day(12))], None, day(17)),
        ([(day(14), day(20)), (None, day(12))], None, day(9)),
        ([(day(13), day(20)), (None, day(12))], None, day(17)),
    ],
)
def test_where_a_listing_begins(
    listed: list[tuple[date | None, date]], first_wanted: date | None, expected: date | None
) -> None:
    """Three days before the end of what has been listed without a gap, never later than that."""
    assert expected == start_day([Listed(*each) for each in listed], first_wanted, 3)


def test_large_objects_are_read_in_ranges(bucket: str, put: Put, s3_ingest: S3Ingest, server: Server) -> None:
    """An object larger than one request takes is streamed, and comes out whole."""
    filler = "x" * 2_000
    lines = "\n".join(text(record(number, userAgent=f"{number}{filler}")) for number in range(10_000)).encode()
    put("copy/merged.json", lines)

    summary = s3_ingest(f"s3://{bucket}/copy/")

    assert (10_000, 0) == (summary.events_added, summary.rejected)
    stored = Bucket(bucket, Aws(AwsAccess(endpoint_url=server.url)))
    with stored.open(S3Object("copy/merged.json", "", len(lines))) as stream:
        assert lines == stream.read()


def test_missing_bucket_makes_no_lake(s3_ingest: S3Ingest, lake_dir: Path) -> None:
    """A misspelt bucket is an error that says so, and no lake is made."""
    with pytest.raises(SourceError, match="no such bucket"):
        s3_ingest("s3://there-is-no-such-bucket")
    assert not lake_dir.exists()


@pytest.mark.parametrize(
    ("code", "message", "expected", "kind"),
    [
        ("ExpiredToken", "The provided token has expired.", "the AWS credentials have expired", CredentialsExpired),
        ("AccessDenied", "Access Denied", "access denied", AccessRefused),
        (
            "AccessDenied",
            "User: arn:aws:sts::111122223333:assumed-role/audit/trailql is not authorized to perform: kms:Decrypt on "
            "resource: arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab because no "
            "identity-based policy allows the kms:Decrypt action",
            "kms:Decrypt on arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab is missing",
            SourceError,
        ),
        ("KMS.DisabledException", "The key is disabled", "encrypted with a KMS key that may not be used", SourceError),
        ("InvalidAccessKeyId", "AKIAIOSFODNN7EXAMPLE does not exist", "not valid (InvalidAccessKeyId)", SourceError),
        ("SlowDown", "Please reduce your request rate.", "SlowDown: Please reduce your request rate.", SourceError),
        ("NoSuchKey", "The specified key does not exist.", "there is no such object", SourceError),
        ("InvalidObjectState", "", "archived in Glacier", SourceError),
    ],
)
def test_service_errors_in_words(code: str, message: str, expected: str, kind: type[SourceError]) -> None:
    """Each answer of the service that a user can act on says what to do; a missing key permission names the key."""
    error = aws_error(ClientError({"Error": {"Code": code, "Message": message}}, "GetObject"), at="s3://b/k")
    assert kind is type(error)
    assert expected in error.message
    assert "AKIAIOSFODNN7EXAMPLE" not in f"{error}{error.hint}"


def test_client_errors_in_words() -> None:
    """What boto3 raises without an answer is put in words as well; what is not boto3's is left alone."""
    found = aws_error(NoCredentialsError(), at="s3://b")
    assert found is not None
    assert "no usable AWS credentials" in found.message
    assert aws_error(ReadTimeoutError(endpoint_url="http://127.0.0.1/"), at="s3://b") is not None
    assert aws_error(ValueError("x"), at="s3://b") is None


def test_denied_key_names_the_key_in_the_ledger(
    bucket: str, put: Put, s3_ingest: S3Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where S3 answers that a KMS key may not be used, the log file is named with that key, the others are ingested."""
    put(key(_ACCOUNT, "us-east-1", days_ago(0), "a" * 16), log_file(0, 1, days_ago(0)))
    locked = key(_ACCOUNT, "us-east-1", days_ago(0), "b" * 16)
    put(locked, log_file(1, 1, days_ago(0)))
    arn = "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    quick, patient = Bucket._quick_get, Bucket._patient_get

    def refuse(self: Bucket, found: S3Object, start: int, end: int) -> bytes:
        if found.key == locked:
            raise ValueError("what obstore says is not shown")
        return quick(self, found, start, end)

    def answer(**_: Any) -> None:
        message = f"User: x is not authorized to perform: kms:Decrypt on resource: {arn} because no policy allows it"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "GetObject")

    class Locked:
        get_object = staticmethod(answer)

    def answered(self: Bucket, found: S3Object, start: int, end: int) -> bytes:
        self.__dict__["_patient_client"] = Locked
        return patient(self, found, start, end)

    monkeypatch.setattr(Bucket, "_quick_get", refuse)
    monkeypatch.setattr(Bucket, "_patient_get", answered)
    summary = s3_ingest(f"s3://{bucket}")

    assert (1, 1) == (summary.ingested, summary.rejected)
    assert f"kms:Decrypt on {arn} is missing" in summary.problems[0][1]


def test_a_role_is_assumed(server: Server, bucket: str, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a role, its credentials are the ones used; the external id is sent along."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    put(key(_ACCOUNT, "us-east-1", days_ago(0), "a" * 16), log_file(0, 1, days_ago(0)))
    aws = Aws(AwsAccess(role_arn="arn:aws:iam::123456789012:role/audit", external_id="a-secret-word"))

    assert [bucket] == [Bucket(bucket, aws).name]
    assert 1 == len(find_trail_prefixes(Bucket(bucket, aws), "").prefixes)
    assert aws.credentials()["access_key_id"].startswith("ASIA")
    assert "a-secret-word" not in repr(aws.requests)


def test_command_line_shows_no_secret(server: Server, bucket: str, put: Put, tmp_path: Path) -> None:
    """Neither output nor lake holds credentials, also when everything is refused."""
    put("junk.json", b"<html>")
    lake = tmp_path / "lake"
    for endpoint in (server.url, f"http://127.0.0.1:{free_port()}"):
        words = ["-m", "trailql", "ingest", f"s3://{bucket}", "--lake", str(lake), "--endpoint-url", endpoint]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=REPOSITORY, check=False)
        assert done.returncode in {3, 4}, done.stderr
        told = done.stdout + done.stderr
        assert "Traceback" not in told
        assert not any(secret in told for secret in SECRETS)
    stored = b"".join(path.read_bytes() for path in lake.rglob("*") if path.is_file())
    assert not any(secret.encode() in stored for secret in SECRETS)


def test_lake_in_s3(server: Server, bucket: str, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake in a bucket takes log files, answers questions, and knows what it has."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for name in ("junk.json", "lakes/one2/x.json"):
        server.client("s3").put_object(Bucket=bucket, Key=name, Body=b"{}")
    for number in range(5):
        (logs / f"{number}.json.gz").write_bytes(log_file(number * 3, 3, days_ago(number)))
    lake = f"s3://{bucket}/lakes/one"

    first = ingest_logs([str(logs)], lake)
    again = ingest_logs([str(logs)], lake)

    assert (15, 0) == (first.events_added, again.events_added)
    assert 5 == again.files_known
    with open_lake(lake) as opened:
        assert 15 == opened.sql("SELECT count(*) AS n FROM events").arrow().column("n")[0].as_py()
        for outside in (f"{bucket}/junk.json", f"{bucket}/lakes/one/../../junk.json", f"{bucket}/lakes/one2/x.json"):
            with pytest.raises(QueryError):
                opened.sql(f"SELECT * FROM read_text('s3://{outside}')")


def test_writers_at_once_on_a_lake_in_s3(
    server: Server, bucket: str, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four ingests of overlapping logs at the same time: every event once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    _overlapping(logs)
    lake = f"s3://{bucket}/lakes/many"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ingest_logs([str(logs / str(number))], lake), range(4)))

    with open_lake(lake) as opened:
        found = opened.sql("SELECT eventID FROM events").arrow().column("eventID").to_pylist()
    assert sorted(map(event_id, range(80))) == sorted(found)


def test_writers_at_once_on_a_lake_on_disk(logs: Path, lake_dir: Path) -> None:
    """The same on disk, as processes of their own."""
    _overlapping(logs)
    words = [sys.executable, "-m", "trailql", "ingest", "--quiet", "--lake", str(lake_dir)]
    running_ones = [subprocess.Popen([*words, str(logs / str(number))], cwd=REPOSITORY) for number in range(4)]

    assert [0] * 4 == [one.wait(timeout=120) for one in running_ones]
    assert sorted(map(event_id, range(80))) == sorted(row["eventID"] for row in read_table(lake_dir, "events"))


def _overlapping(logs: Path) -> None:
    """Four folders, each with half of its events in the next one as well."""
    for number in range(4):
        (logs / str(number)).mkdir()
        for half in range(2):
            first = (number + half) % 4 * 20
            (logs / str(number) / f"{half}.json.gz").write_bytes(log_file(first, 20, days_ago(1)))


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Server]:
    """A second server, which checks signatures: rclone's, over a folder."""
    program = Path(sys.executable).with_name("rclone")
    if not program.exists():
        pytest.skip("rclone is not installed")
    folder = tmp_path / "buckets"
    body = log_file(0, 3, days_ago(0))
    path = folder / "trail" / key(_ACCOUNT, "us-east-1", days_ago(0), "a" * 16)
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    address = f"127.0.0.1:{free_port()}"
    keys = f"{KEYS['AWS_ACCESS_KEY_ID']},{KEYS['AWS_SECRET_ACCESS_KEY']}"
    words = [str(program), "serve", "s3", str(folder), "--addr", address, "--auth-key", keys]
    with running(words, tmp_path / "strict.log", f"http://{address}") as server:
        yield server


def test_a_server_that_checks_signatures(strict: Server, s3_ingest: S3Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are signed rightly through both clients; a wrong secret is an error in words."""
    assert 3 == s3_ingest("s3://trail", endpoint_url=strict.url).events_added
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with pytest.raises(SourceError) as caught:
        s3_ingest("s3://trail", endpoint_url=strict.url)
    assert "another-secret" not in str(caught.value)


def test_listing_stops_when_the_consumer_does(bucket: str, put: Put, server: Server) -> None:
    """A day range is listed up to its end, not to the end of the Region."""
    for days in range(5):
        put(key(_ACCOUNT, "us-east-1", days_ago(days), "a" * 16), gzip.compress(b'{"Records":[]}'))
    found = Bucket(bucket, Aws(AwsAccess(endpoint_url=server.url)))
    prefix = find_trail_prefixes(found, "").prefixes[0]
    before = server.requests(LIST)

    pages = list(
        found.objects(prefix.prefix, start_after=prefix.key_before(days_ago(3)), before=prefix.key_before(days_ago(1)))
    )

    assert 2 == sum(map(len, pages))
    assert 1 == server.requests(LIST) - before


def test_a_stream_may_be_read_in_small_steps() -> None:
    """Ranges behave as a file does."""
    from trailql.sources.s3 import _Ranges

    data = bytes(range(256)) * 100
    stream = io.BufferedReader(_Ranges(lambda start, end: data[start:end], len(data)), 1000)
    assert data == b"".join(iter(lambda: stream.read(777), b""))
