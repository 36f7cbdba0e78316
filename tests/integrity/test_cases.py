"""Every case of `tests.integrity.cases`: what is said of it on disk, in a bucket, and by the AWS CLI."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tests.integrity.cases import CASES, IN_BUCKETS, Case, Found
from tests.integrity.made_chain import FIRST, Made
from tests.integrity.service import AWSCLI, AwsCli, endpoints, serving
from tests.made import ACCOUNT, REGION
from tests.servers import Server, aws_server
from trailql.integrity.bucket import InBucket
from trailql.integrity.copies import Copies
from trailql.integrity.evidence import Evidence
from trailql.integrity.keys import SIGNED_WITHIN, PublicKeys, key_from_api, load_public_keys
from trailql.integrity.verdict import Gap, GapKind, Result, Verdict
from trailql.integrity.verify import Scope, Verification
from trailql.report.validate_logs import write_as_aws
from trailql.sources.aws import Aws, AwsAccess
from trailql.sources.local import local_log_files
from trailql.sources.public_keys import list_public_keys

_KINDS = {GapKind.RESTART: "restart", GapKind.LOST: "lost"}


@dataclass
class Bucketed:
    """Cases in buckets of one server, the API beside it, and the AWS CLI at work on them."""

    made: list[Made]
    s3: Server
    service: str
    aws: Aws
    awscli: AwsCli | None
    known: dict[int, list[Result]] = field(default_factory=dict)

    def results(self, number: int) -> list[Result]:
        """What we find in the bucket of a case, with the keys that the API tells of, as the AWS CLI asks it."""
        if number not in self.known:
            case, made = IN_BUCKETS[number], self.made[number]
            since, until = times(case)
            told = list_public_keys(self.aws, REGION, since, until + SIGNED_WITHIN)
            own = {key.fingerprint for key in made.keys}
            keys = PublicKeys(key_from_api(each, REGION) for each in told if each["Fingerprint"] in own)
            evidence = InBucket(f"s3://{made.bucket}/{made.prefix}", self.aws, since=since, until=until)
            self.known[number] = verify(evidence, keys, scope_of(case, made))
        return self.known[number]


def times(case: Case) -> tuple[datetime, datetime]:
    """The time a case asks for."""
    return FIRST + case.since, FIRST + case.until


def scope_of(case: Case, made: Made) -> Scope:
    """The same, and its trail."""
    return Scope(*times(case), trails=frozenset({made.trail}))


def verify(evidence: Evidence, keys: PublicKeys, scope: Scope) -> list[Result]:
    """All results."""
    return list(Verification(evidence, lambda chain, since, until: keys, scope, readers=2).results())


@pytest.fixture(scope="module")
def bucketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucketed]:
    """Each case in a bucket of its own."""
    made = [case.build(number) for number, case in enumerate(IN_BUCKETS)]
    seed = tmp_path_factory.mktemp("seed") / "buckets"
    for one in made:
        (seed / one.bucket).mkdir(parents=True)
        one.write(seed / one.bucket, signatures="none")
    metadata = {f"{one.bucket}/{key}": told for one in made for key, told in one.metadata.items()}
    seed.with_name("buckets.metadata.json").write_text(json.dumps(metadata))
    with aws_server(tmp_path_factory.mktemp("aws"), seed) as s3, serving(made) as (service, _):
        environment = endpoints(service, s3.url)
        awscli = None
        if AWSCLI.exists():
            awscli = AwsCli([_command(case, one) for case, one in zip(IN_BUCKETS, made, strict=True)], environment)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
                patch.delenv(name, raising=False)
            yield Bucketed(made, s3, service, Aws(AwsAccess(endpoint_url=s3.url)), awscli)
        if awscli:
            awscli.stop()


def _command(case: Case, made: Made) -> list[str]:
    since, until = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in times(case))
    words = ["cloudtrail", "validate-logs", "--trail-arn", made.arn, "--start-time", since, "--end-time", until]
    return [*words, "--verbose", *(["--account-id", ACCOUNT] if made.organization else [])]


def told(results: list[Result], made: Made, root: str) -> tuple[Found, tuple[str, ...]]:
    """What is not valid, by label, and the gaps."""
    found: Found = {}
    for result in results:
        if isinstance(result, Gap) or result.verdict is Verdict.VALID:
            continue
        where = (result.file or result.uri).removeprefix(f"s3://{made.bucket}/").removeprefix(f"{root}/")
        label = made.labels.get(where, where)
        assert label not in found, f"two verdicts on {label}"
        found[label] = result.verdict.value
    return found, tuple(_KINDS[each.kind] for each in results if isinstance(each, Gap) and each.kind in _KINDS)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_on_disk(number: int, tmp_path: Path) -> None:
    """A copy of the bucket with the keys in a file, and every digest's metadata beside it."""
    case = CASES[number]
    made = case.build(number)
    root = made.write(tmp_path / made.bucket, signatures="all")
    keys = load_public_keys(made.write_keys(tmp_path / "keys.json"))

    found, gaps = told(verify(Copies(local_log_files([str(root)])), keys, scope_of(case, made)), made, str(root))

    assert (case.found if case.on_copy is None else case.on_copy) == found
    assert ((), case.gaps)[case.name != "digest moved to another day"] == gaps


@pytest.mark.parametrize("number", range(len(IN_BUCKETS)), ids=[case.name for case in IN_BUCKETS])
def test_in_a_bucket(number: int, bucketed: Bucketed) -> None:
    """The bucket itself, with keys from the API."""
    case = IN_BUCKETS[number]

    found, gaps = told(bucketed.results(number), bucketed.made[number], "")

    assert case.found == found
    assert case.gaps == gaps


@pytest.mark.skipif(not AWSCLI.exists(), reason="the AWS CLI is not there: make awscli")
@pytest.mark.parametrize("number", range(len(IN_BUCKETS)), ids=[case.name for case in IN_BUCKETS])
def test_as_the_aws_cli_prints_it(number: int, bucketed: Bucketed) -> None:
    """Every line, on either stream, and whether something is invalid; where we say more, the case says why."""
    case, made, results = IN_BUCKETS[number], bucketed.made[number], bucketed.results(number)
    assert bucketed.awscli is not None
    theirs = bucketed.awscli.outcomes[number]
    out, err = io.StringIO(), io.StringIO()

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        is_invalid = write_as_aws(results, *times(case), arn=made.arn, verbose=True)

    if case.unlike:
        assert theirs["out"] != out.getvalue()
        return
    assert theirs["out"] == out.getvalue()
    assert theirs["err"].replace(*case.words) == err.getvalue()
    assert theirs["code"] == int(is_invalid)
    ours = any(not isinstance(each, Gap) and each.verdict.is_invalid for each in results)
    assert is_invalid or not ours or case.more
