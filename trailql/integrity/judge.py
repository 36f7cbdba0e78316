"""
One digest file judged: its form, its place, its signature, and what the digest after it says of it.

The signature of a digest is in the metadata of its object in S3, and once more in the digest after it. A copy on disk
has lost its metadata, so the second is enough there; in a bucket the first must be good, as for the AWS CLI.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from trailql.errors import BadLogFile
from trailql.integrity.digest import BadDigest, Digest, Place, Previous, parse_digest
from trailql.integrity.evidence import DigestCopy, ReadDigest, SavedSignature
from trailql.integrity.keys import PublicKey, PublicKeys
from trailql.integrity.names import contradicts, path_of, plain_name
from trailql.integrity.signature import UnusableKey, is_signed, text_to_sign
from trailql.integrity.stored import NotRead
from trailql.integrity.verdict import AWS_VALID, DigestResult, Verdict

ALGORITHM = "SHA256withRSA"
_FORMAT = "INVALID: invalid format"
_SIGNATURE = "INVALID: signature verification failed"
_OTHER_HASH = "the digest after it has another hash of it"


class Proof(Enum):
    """How far the content of a digest can be believed."""

    SIGNED = "its signature is good"
    UNKNOWN = "nothing speaks against it, and it could not be verified"
    BROKEN = "it is not what CloudTrail wrote"


@dataclass(frozen=True, slots=True)
class Later:
    """What the digest after it says: hash and signature, and whether that digest's own signature is good."""

    previous: Previous
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the digest where there is one to go on with."""

    result: DigestResult
    proof: Proof
    digest: Digest | None = None

    @property
    def is_aws_valid(self) -> bool:
        """Whether the AWS CLI goes on to its log files."""
        return self.result.aws == AWS_VALID


def judge_digest(
    read_digest: Callable[[DigestCopy], ReadDigest | None],
    copy: DigestCopy,
    keys: PublicKeys,
    later: Later | None,
    *,
    is_bucket: bool,
) -> Judged | None:
    """
    Judge one copy of a digest file.

    Args:
        read_digest: Reads it.
        copy: Which.
        keys: The public keys there are.
        later: What the digest after it says of it, None where there is none.
        is_bucket: It is an object as CloudTrail stored it, not a copy.

    Returns:
        The verdict; None when the copy is not there after all.
    """
    try:
        read = read_digest(copy)
        if read is None:
            return None
        if is_bucket and not read.stored.is_gzip:
            return _told(copy, Verdict.MODIFIED, "not gzip, as CloudTrail stores it", _FORMAT)
        digest = parse_digest(read.stored.body, read.stored.sha256)
    except NotRead as error:
        return _told(copy, Verdict.UNVERIFIABLE, error.message, f"INVALID: {error.message}", proof=Proof.UNKNOWN)
    except BadLogFile as error:
        return _told(copy, Verdict.MODIFIED, error.message, _FORMAT)
    except BadDigest as error:
        return _told(copy, Verdict.MODIFIED, f"invalid format: {error}", _FORMAT)
    if is_bucket and (problem := _metadata_problem(copy, read)):
        aws = _FORMAT if problem == _NO_BACKFILL_TIME else _SIGNATURE
        return _without_metadata(copy, digest, keys, later, problem, aws)
    return _judge_parsed(copy, digest, read.signature, keys, later)


_NO_SIGNATURE = "its metadata holds no signature"
_NO_BACKFILL_TIME = "its metadata holds no backfill-generation-timestamp"


def _metadata_problem(copy: DigestCopy, read: ReadDigest) -> str:
    signature = read.signature
    if signature is None or not signature.value or not signature.algorithm:
        return _NO_SIGNATURE
    if copy.name.chain.is_backfill and not signature.backfill_time:
        return _NO_BACKFILL_TIME
    return ""


def _without_metadata(
    copy: DigestCopy, digest: Digest, keys: PublicKeys, later: Later | None, problem: str, aws: str
) -> Judged:
    """An object whose metadata was lost; the digest after it may vouch for the content all the same."""
    vouched = later is not None and _judge_parsed(copy, digest, None, keys, later).proof is Proof.SIGNED
    if vouched:
        problem += "; the digest after it vouches for its content"
    return _told(copy, Verdict.MODIFIED, problem, aws, digest, Proof.SIGNED if vouched else Proof.BROKEN)


def _judge_parsed(
    copy: DigestCopy, digest: Digest, own: SavedSignature | None, keys: PublicKeys, later: Later | None
) -> Judged:
    place = digest.place
    if copy.place is not None and copy.place != place:
        reason = f"moved: it says of itself that it is {place.uri}"
        return _told(copy, Verdict.MODIFIED, reason, "INVALID: has been moved from its original location", digest)
    if copy.place is None and contradicts(path_of(copy.file), f"{place.bucket}/{place.key}"):
        reason = f"moved: it says of itself that it is {place.uri}"
        return _told(copy, Verdict.MODIFIED, reason, "INVALID: has been moved from its original location", digest)
    if later is not None and later.is_proven and later.previous.place != place and _is_same_hour(copy, later):
        reason = f"it says of itself that it is {place.uri}, and the digest after it says {later.previous.place.uri}"
        return _told(copy, Verdict.MODIFIED, reason, "INVALID: has been moved from its original location", digest)
    region = copy.name.chain.region
    found = keys.find(digest.fingerprint, region)
    if not found:
        return _without_key(copy, digest, keys, later)
    signatures = [own.value] if own else []
    if later is not None and later.previous.place == place and later.previous.signature:
        signatures += [later.previous.signature]
    if not signatures:
        if _is_contradicted(digest, later):
            return _told(copy, Verdict.MODIFIED, _OTHER_HASH, _SIGNATURE, digest)
        reason = "no signature: S3 keeps it in the object's metadata, which was not saved, and no later digest is there"
        return _told(copy, Verdict.UNVERIFIABLE, reason, _SIGNATURE, digest, Proof.UNKNOWN)
    if own and own.algorithm not in ("", ALGORITHM):
        reason = f"its signature algorithm {own.algorithm[:40]!r} is not {ALGORITHM}"
        return _told(copy, Verdict.MODIFIED, reason, _SIGNATURE, digest)
    try:
        good = [_is_signed(digest, place, signature, found) for signature in signatures]
    except UnusableKey:
        reason = f"the public key with fingerprint {digest.fingerprint[:64]} cannot be read"
        aws = f"INVALID: Unable to load PKCS #1 key with fingerprint {digest.fingerprint}"
        if _is_contradicted(digest, later):
            return _told(copy, Verdict.MODIFIED, _OTHER_HASH, aws, digest)
        return _told(copy, Verdict.UNVERIFIABLE, reason, aws, digest, Proof.UNKNOWN)
    if not good[0]:
        vouched = any(good)
        reason = "signature verification failed"
        if vouched:
            reason += " for its own signature; the digest after it vouches for its content"
        return _told(copy, Verdict.MODIFIED, reason, _SIGNATURE, digest, Proof.SIGNED if vouched else Proof.BROKEN)
    if digest.problem:
        return _told(copy, Verdict.MODIFIED, f"invalid format: {digest.problem}", _FORMAT, digest)
    if later is not None and later.is_proven and later.previous.place == place:
        if _is_contradicted(digest, later):
            return _told(copy, Verdict.MODIFIED, _OTHER_HASH, AWS_VALID, digest, Proof.UNKNOWN)
        if not all(good):
            return _told(
                copy, Verdict.MODIFIED, "the digest after it has another signature", AWS_VALID, digest, Proof.UNKNOWN
            )
    signed = _signed_about(copy, digest, own)
    if signed is not None and not any(key.is_in_use(signed) for key in found):
        reason = f"signed with a key that was not in use then: {_in_words(found[0])}"
        return _told(copy, Verdict.UNVERIFIABLE, reason, AWS_VALID, digest, Proof.UNKNOWN)
    return _told(copy, Verdict.VALID, "", AWS_VALID, digest, Proof.SIGNED)


def _is_contradicted(digest: Digest, later: Later | None) -> bool:
    """Whether the digest after it, whose own signature is good, has another hash of it."""
    if later is None or not later.is_proven or later.previous.place != digest.place:
        return False
    return bool(later.previous.sha256) and later.previous.sha256 != digest.sha256


def _is_same_hour(copy: DigestCopy, later: Later) -> bool:
    """Whether the digest after it speaks of this one; in a gap it does not."""
    return plain_name(later.previous.place.key) == plain_name(path_of(copy.file))


def _signed_about(copy: DigestCopy, digest: Digest, own: SavedSignature | None) -> datetime | None:
    """When the hour of a digest was over and it was signed; None for a backfill digest of which nobody has told."""
    if not copy.name.chain.is_backfill:
        return digest.end
    try:
        moment = datetime.fromisoformat(own.backfill_time) if own else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _without_key(copy: DigestCopy, digest: Digest, keys: PublicKeys, later: Later | None) -> Judged:
    region, fingerprint = copy.name.chain.region, digest.fingerprint
    aws = f"INVALID: public key not found in region {region} for fingerprint {fingerprint}"
    shown = fingerprint[:64]
    if _is_contradicted(digest, later):
        return _told(copy, Verdict.MODIFIED, _OTHER_HASH, aws, digest)
    if any(keys.cover(region, end) for end in (digest.end, copy.name.end)):
        reason = f"signed with a key that is not among CloudTrail's for {region} and that time: fingerprint {shown}"
        return _told(copy, Verdict.MODIFIED, reason, aws, digest)
    reason = f"no public key for {region} and that time (fingerprint {shown})"
    return _told(copy, Verdict.UNVERIFIABLE, reason, aws, digest, Proof.UNKNOWN)


def _is_signed(digest: Digest, place: Place, signature: str, keys: list[PublicKey]) -> bool:
    text = text_to_sign(digest, place.bucket, place.key)
    return any([is_signed(text, signature, key.value) for key in keys])


def _in_words(key: PublicKey) -> str:
    ends = (f"{each:%Y-%m-%dT%H:%M:%SZ}" if each else "…" for each in (key.since, key.until))
    return f"{key.fingerprint[:64]}, {' to '.join(ends)}"


def _told(
    copy: DigestCopy,
    verdict: Verdict,
    reason: str,
    aws: str,
    digest: Digest | None = None,
    proof: Proof = Proof.BROKEN,
) -> Judged:
    place = copy.place or (digest.place if digest else None)
    result = DigestResult(
        chain=copy.name.chain,
        uri=place.uri if place else copy.file,
        file=copy.file,
        verdict=verdict,
        reason=reason,
        start=digest.start if digest else None,
        end=digest.end if digest else copy.name.end,
        aws=aws,
        version_tag=copy.version_tag,
    )
    return Judged(result, proof, digest)
