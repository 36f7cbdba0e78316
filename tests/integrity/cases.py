"""
What can happen to a trail's files, each with what has to be said of it.

A case makes a chain of six hours, does something to it, and lists every file that is not valid then. The same case is
judged in a bucket, where the AWS CLI judges it as well, and as a copy on disk, where the newest digest has its metadata
saved beside it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from zlib import DEFLATED, compressobj

from tests.integrity.made_chain import FIRST, HOUR, HOURS, ORGANIZATION, Key, Made
from tests.made import record, trail

Found = dict[str, str]
MODIFIED, MISSING, UNLISTED, UNCOVERED, UNVERIFIABLE = "modified", "missing", "unlisted", "uncovered", "unverifiable"


@dataclass(frozen=True)
class Case:
    """
    One thing that can happen.

    Args:
        name: What.
        make: Does it to a trail without files.
        found: Label to verdict of what is not valid, in a bucket.
        on_copy: The same in a copy on disk, where it differs.
        gaps: The gaps: `restart`, `lost`.
        more: Why we call something invalid that the AWS CLI does not look at; empty where the two agree.
        words: The AWS CLI's words and ours, where the two mean the same.
        unlike: Why the AWS CLI's lines are others; empty where they are the same.
        since, until: The time asked for.
        made: Arguments of the trail.
    """

    name: str
    make: Callable[[Made], object]
    found: Found = field(default_factory=dict)
    on_copy: Found | None = None
    gaps: tuple[str, ...] = ()
    more: str = ""
    words: tuple[str, str] = ("", "")
    unlike: str = ""
    since: timedelta = -10 * HOUR
    until: timedelta = 14 * HOUR
    made: dict[str, str] = field(default_factory=dict)

    def build(self, number: int) -> Made:
        """The trail with it."""
        made = Made(f"case-{number:03d}", **self.made)
        self.make(made)
        return made


def on_chain(*faults: Callable[[Made], object]) -> Callable[[Made], None]:
    """A whole chain, and then some faults."""

    def make(made: Made) -> None:
        made.chain()
        for fault in faults:
            fault(made)

    return make


def flipped(body: bytes) -> bytes:
    """One byte in the middle is another one."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def pretty(body: bytes) -> bytes:
    """The same JSON with white space."""
    return json.dumps(json.loads(body), indent=1).encode()


def regzipped(stored: bytes) -> bytes:
    """The same content compressed in another way."""
    packer = compressobj(1, DEFLATED, 31)
    return packer.compress(gzip.decompress(stored)) + packer.flush()


def logs(*hours: int, verdict: str = UNCOVERED) -> Found:
    """Both log files of each hour."""
    return {f"log {hour}.{number}": verdict for hour in hours for number in (1, 2)}


def all_hours(verdict: str, of_logs: str, *hours: int) -> Found:
    """The digests of some hours, or of all, and their log files."""
    found: Found = {}
    for hour in hours or range(1, HOURS + 1):
        found |= digest_is(verdict, hour, of_logs)
    return found


def digest_is(verdict: str, hour: int, of_logs: str = UNCOVERED) -> Found:
    """A digest, and with it its log files."""
    return {f"digest {hour}": verdict, **logs(hour, verdict=of_logs)}


def _moved_log(made: Made) -> None:
    old = made.key("log 3.1")
    new = old.replace("/2026/10/01/", "/2026/10/02/")
    made.move("log 3.1", new)
    made.labels[new] = "moved"


def _moved_digest(made: Made) -> None:
    old = made.key("digest 3")
    new = old.replace("/2026/10/01/", "/2026/10/02/")
    made.move("digest 3", new)
    made.labels[new] = "moved"


def _renamed_digest(made: Made) -> None:
    """Its bytes and metadata under another digest's key, which was deleted."""
    there = made.key("digest 2")
    made.objects[there] = made.objects[made.key("digest 3")]
    made.metadata[there] = dict(made.metadata[made.key("digest 3")])


def _planted(made: Made, hour: int = 3) -> None:
    made.add_log(hour, 5)


def _signed_by_another(made: Made) -> None:
    document = json.loads(made.content("digest 3")) | {"digestPublicKeyFingerprint": "0" * 32}
    made.store_digest(made.key("digest 3"), document, sign_with=1)


def _forged_chain(made: Made) -> None:
    """Somebody signs the whole chain with a key of their own and names CloudTrail's."""
    made.chain(sign_with=1)


def _restart(made: Made) -> None:
    before = made.add_digest(1, [made.add_log(1, 1), made.add_log(1, 2)], None)
    made.add_digest(2, [], before)
    after = made.add_digest(5, [made.add_log(5, 1)], None)
    made.add_digest(6, [made.add_log(6, 1)], after)


def _backfill(made: Made, *, with_time: bool = True) -> None:
    made.chain()
    late = [made.add_log(2, 4), made.add_log(3, 4)]
    before = made.add_digest(2, late[:1], None, backfill=True)
    made.add_digest(3, late[1:], before, backfill=True)
    if not with_time:
        for label in ("backfill 2", "backfill 3"):
            made.metadata[made.key(label)].pop("backfill-generation-timestamp")


def _prefix_of_another(made: Made) -> None:
    """Another trail whose name begins alike delivers to the same bucket."""
    made.chain()
    other = Made(made.name, trail=f"{made.trail}_two", keys=made.keys).chain(2)
    for key, metadata in other.metadata.items():
        made.objects[key], made.metadata[key] = other.objects[key], metadata


def _resigned(made: Made, label: str, **fields: object) -> None:
    """A digest with other fields, signed as CloudTrail would."""
    made.store_digest(made.key(label), json.loads(made.content(label)) | fields)


def _two_keys(made: Made, since: timedelta, until: timedelta) -> None:
    made.keys = [Key(made.fingerprint, since=FIRST + since, until=FIRST + until)]
    made.chain()


def _metadata(label: str, **fields: str) -> Callable[[Made], None]:
    def change(made: Made) -> None:
        metadata = made.metadata[made.key(label)]
        for name, value in fields.items():
            if value:
                metadata[name.replace("_", "-")] = value
            else:
                metadata.pop(name.replace("_", "-"))

    return change


def _huge(made: Made) -> None:
    made.change("digest 3", lambda body: body + b" " * (70 * 2**20))


_FAULTS: dict[str, tuple[Callable[[Made, int], object], Callable[[int], Found]]] = {
    "log flipped": (lambda m, h: m.change(f"log {h}.1", flipped), lambda h: {f"log {h}.1": MODIFIED}),
    "log deleted": (lambda m, h: m.delete(f"log {h}.1"), lambda h: {f"log {h}.1": MISSING}),
    "logs swapped": (lambda m, h: m.swap(f"log {h}.1", f"log {h}.2"), lambda h: logs(h, verdict=MODIFIED)),
    "log pretty-printed": (lambda m, h: m.change(f"log {h}.2", pretty), lambda h: {f"log {h}.2": MODIFIED}),
    "log re-gzipped": (lambda m, h: m.change_stored(f"log {h}.1", regzipped), lambda h: {}),
    "log planted": (_planted, lambda h: {f"log {h}.5": UNLISTED}),
    "digest flipped": (
        lambda m, h: m.edit(f"digest {h}", newestEventTime="2020-01-01T00:00:00Z"),
        lambda h: digest_is(MODIFIED, h),
    ),
    "digest deleted": (lambda m, h: m.delete(f"digest {h}"), lambda h: digest_is(MISSING, h)),
    "digest not JSON": (lambda m, h: m.change(f"digest {h}", lambda body: body[:-1]), lambda h: digest_is(MODIFIED, h)),
    "digest without a log": (lambda m, h: m.edit(f"digest {h}", logFiles=[]), lambda h: digest_is(MODIFIED, h)),
    "key of another": (
        lambda m, h: m.edit(f"digest {h}", digestPublicKeyFingerprint="f" * 32),
        lambda h: digest_is(MODIFIED, h),
    ),
}
"""Faults that can happen in any hour, and what they make of it."""

SINGLE: tuple[Case, ...] = (
    Case("untouched", on_chain()),
    Case("a single digest", lambda m: m.chain(1)),
    Case("empty hours", lambda m: m.chain(empty=(2, 3, 6))),
    Case("only empty hours", lambda m: m.chain(logs=0)),
    Case("many log files in an hour", lambda m: m.chain(2, logs=8)),
    Case("key prefix", on_chain(), made={"prefix": "audit/trails/"}),
    Case("organization's trail", on_chain(), made={"organization": ORGANIZATION}),
    Case("organization's trail, log deleted", on_chain(lambda m: m.delete("log 2.1")), {"log 2.1": MISSING},
         made={"organization": ORGANIZATION, "prefix": "audit/"}),
    Case("trail's name with - . and _", on_chain(), made={"trail": "Trail_1.two-three_us-east-1_20261001T000000Z"}),
    Case("another trail beside it", _prefix_of_another),
    Case("byte flipped in a log file", on_chain(lambda m: m.change("log 3.1", flipped)), {"log 3.1": MODIFIED}),
    Case("byte flipped in the newest log file", on_chain(lambda m: m.change("log 6.2", flipped)),
         {"log 6.2": MODIFIED}),
    Case("stored byte flipped in a log file", on_chain(lambda m: m.change_stored("log 3.1", flipped)),
         {"log 3.1": MODIFIED}),
    Case("log file re-gzipped", on_chain(lambda m: m.change_stored("log 3.1", regzipped))),
    Case("log file pretty-printed", on_chain(lambda m: m.change("log 3.1", pretty)), {"log 3.1": MODIFIED}),
    Case("line break at the end of a log file", on_chain(lambda m: m.change("log 3.1", lambda b: b + b"\n")),
         {"log 3.1": MODIFIED}),
    Case("log files swapped", on_chain(lambda m: m.swap("log 2.1", "log 4.2")),
         {"log 2.1": MODIFIED, "log 4.2": MODIFIED}),
    Case("log file deleted", on_chain(lambda m: m.delete("log 3.1")), {"log 3.1": MISSING}),
    Case("all log files of an hour deleted", on_chain(lambda m: m.delete("log 3.1", "log 3.2")),
         logs(3, verdict=MISSING)),
    Case("log file moved to another day", on_chain(_moved_log), {"log 3.1": MISSING, "moved": UNLISTED}),
    Case("trailing bytes after a log file's gzip", on_chain(lambda m: m.change_stored("log 3.1", lambda b: b + b"x")),
         {"log 3.1": MODIFIED}),
    Case("zeros after a log file's gzip", on_chain(lambda m: m.change_stored("log 3.1", lambda b: b + bytes(512))),
         {"log 3.1": MODIFIED}),
    Case("second gzip member in a log file",
         on_chain(lambda m: m.change_stored("log 3.1", lambda b: b + gzip.compress(trail(record(7))))),
         {"log 3.1": MODIFIED}),
    Case("log file cut off", on_chain(lambda m: m.change_stored("log 3.1", lambda b: b[: len(b) // 2])),
         {"log 3.1": MODIFIED}),
    Case("only the gzip trailer of a log file cut off",
         on_chain(lambda m: m.change_stored("log 3.1", lambda b: b[:-8]))),
    Case("checksum in a log file's gzip trailer flipped",
         on_chain(lambda m: m.change_stored("log 3.1", lambda b: b[:-8] + flipped(b[-8:]))), {"log 3.1": MODIFIED}),
    Case("log file stored unpacked", on_chain(lambda m: m.change_stored("log 3.1", gzip.decompress)),
         {"log 3.1": MODIFIED}, on_copy={}),
    Case("log file replaced by text", on_chain(lambda m: m.change_stored("log 3.1", lambda _: b"gone")),
         {"log 3.1": MODIFIED}),
    Case("log file of no bytes", on_chain(lambda m: m.change_stored("log 3.1", lambda _: b"")), {"log 3.1": MODIFIED}),
    Case("log file planted", on_chain(_planted), {"log 3.5": UNLISTED}, more="a log file in no digest"),
    Case("log file after the last digest", on_chain(lambda m: m.add_log(7, 1)), {"log 7.1": UNCOVERED}),
    Case("log file before the first digest", on_chain(lambda m: m.add_log(-3, 1)), {"log -3.1": UNCOVERED}),
    Case("byte changed in a digest", on_chain(lambda m: m.edit("digest 3", awsAccountId="999999999999")),
         digest_is(MODIFIED, 3)),
    Case("byte changed in the newest digest", on_chain(lambda m: m.edit("digest 6", awsAccountId="999999999999")),
         digest_is(MODIFIED, 6)),
    Case("byte changed in the oldest digest", on_chain(lambda m: m.edit("digest 1", awsAccountId="999999999999")),
         digest_is(MODIFIED, 1)),
    Case("log file taken out of a digest", on_chain(lambda m: m.edit("digest 3", logFiles=[])), digest_is(MODIFIED, 3)),
    Case("digest re-gzipped", on_chain(lambda m: m.change_stored("digest 3", regzipped))),
    Case("digest pretty-printed", on_chain(lambda m: m.change("digest 3", pretty)), digest_is(MODIFIED, 3)),
    Case("digest stored unpacked", on_chain(lambda m: m.change_stored("digest 3", gzip.decompress)),
         digest_is(MODIFIED, 3), on_copy={}),
    Case("digest not JSON", on_chain(lambda m: m.change("digest 3", lambda b: b"<html>")), digest_is(MODIFIED, 3)),
    Case("digest that is a JSON list", on_chain(lambda m: m.change("digest 3", lambda b: b"[]")),
         digest_is(MODIFIED, 3),
         words=("list indices must be integers or slices, not str", "invalid format")),
    Case("digest of no bytes", on_chain(lambda m: m.change_stored("digest 3", lambda _: b"")), digest_is(MODIFIED, 3)),
    Case("digest cut off", on_chain(lambda m: m.change_stored("digest 3", lambda b: b[: len(b) // 2])),
         digest_is(MODIFIED, 3)),
    Case("trailing bytes after a digest's gzip", on_chain(lambda m: m.change_stored("digest 3", lambda b: b + b"x")),
         {}),
    Case("digest that unpacks to 70 MB", on_chain(_huge), digest_is(MODIFIED, 3),
         words=("signature verification failed", "invalid format")),
    *(
        Case(f"digest without {name}", on_chain(lambda m, name=name: m.edit("digest 3", without=name)),
             digest_is(MODIFIED, 3))
        for name in ("digestPublicKeyFingerprint", "digestS3Bucket", "digestS3Object", "previousDigestSignature",
                     "digestEndTime", "digestStartTime", "logFiles", "previousDigestS3Object")
    ),
    Case("digest with another digest's place", on_chain(lambda m: m.edit("digest 3", digestS3Object="elsewhere")),
         digest_is(MODIFIED, 3)),
    Case("digest with another bucket", on_chain(lambda m: m.edit("digest 3", digestS3Bucket="elsewhere")),
         digest_is(MODIFIED, 3)),
    Case("digests swapped", on_chain(lambda m: m.swap("digest 2", "digest 4")),
         digest_is(MODIFIED, 2) | digest_is(MODIFIED, 4)),
    Case("digest under another digest's name", on_chain(_renamed_digest), digest_is(MODIFIED, 2)),
    Case("digest moved to another day", on_chain(_moved_digest), digest_is(MISSING, 3) | {"moved": MODIFIED},
         on_copy={"moved": MODIFIED, **logs(3)}, gaps=("lost",),
         unlike="it begins with the moved digest, whose key is the last one, and leaves out all that are newer"),
    Case("digest deleted", on_chain(lambda m: m.delete("digest 3")), digest_is(MISSING, 3), gaps=("lost",)),
    Case("newest digest deleted", on_chain(lambda m: m.delete("digest 6")), logs(6),
         on_copy=logs(6)),
    Case("oldest digest deleted", on_chain(lambda m: m.delete("digest 1")), digest_is(MISSING, 1)),
    Case("two adjacent digests deleted", on_chain(lambda m: m.delete("digest 3", "digest 4")),
         {"digest 4": MISSING, **logs(3, 4)}, gaps=("lost",)),
    Case("two digests deleted, one between", on_chain(lambda m: m.delete("digest 3", "digest 5")),
         digest_is(MISSING, 3) | digest_is(MISSING, 5), gaps=("lost", "lost")),
    Case("all digests but the newest deleted", on_chain(lambda m: m.delete(*(f"digest {h}" for h in range(1, 6)))),
         {"digest 5": MISSING, **logs(1, 2, 3, 4, 5)}),
    Case("digest and its log files deleted", on_chain(lambda m: m.delete("digest 3", "log 3.1", "log 3.2")),
         {"digest 3": MISSING}, gaps=("lost",)),
    Case("signed with a key nobody knows", on_chain(_signed_by_another), digest_is(MODIFIED, 3)),
    Case("whole chain signed with another key", _forged_chain,
         all_hours(MODIFIED, UNCOVERED)),
    Case("no key at all", on_chain(lambda m: setattr(m, "keys", [Key("0" * 32, since=FIRST - 99 * HOUR,
                                                                     until=FIRST - 98 * HOUR)])),
         all_hours(UNVERIFIABLE, UNVERIFIABLE)),
    Case("key given as SubjectPublicKeyInfo", on_chain(lambda m: setattr(m.keys[0], "encoding", "spki")),
         unlike="it reads PKCS #1 only, and calls every digest invalid"),
    Case("key that cannot be read", on_chain(lambda m: setattr(m.keys[0], "encoding", "broken")),
         all_hours(UNVERIFIABLE, UNVERIFIABLE)),
    Case("two keys that overlap", on_chain(lambda m: m.keys.append(Key("1" * 32, which=1)))),
    Case("key that expired before the time asked for", lambda m: _two_keys(m, -400 * HOUR, -300 * HOUR),
         all_hours(UNVERIFIABLE, UNVERIFIABLE)),
    Case("key that expired meanwhile", lambda m: _two_keys(m, -400 * HOUR, 3 * HOUR),
         all_hours(UNVERIFIABLE, UNVERIFIABLE, 4, 5, 6),
         more="the key was not in use any more"),
    Case("key valid from the signing on", lambda m: _two_keys(m, 2 * HOUR, 99 * HOUR)),
    Case("signature missing in the metadata", on_chain(_metadata("digest 3", signature="")),
         {"digest 3": MODIFIED}, on_copy={}),
    Case("signature algorithm missing in the metadata", on_chain(_metadata("digest 3", signature_algorithm="")),
         {"digest 3": MODIFIED}, on_copy={}),
    Case("newest digest without metadata", on_chain(lambda m: m.metadata[m.key("digest 6")].clear()),
         digest_is(MODIFIED, 6), on_copy=digest_is(UNVERIFIABLE, 6, UNVERIFIABLE)),
    Case("signature in the metadata replaced", on_chain(_metadata("digest 3", signature="00" * 256)),
         {"digest 3": MODIFIED}),
    Case("signature in the metadata not hex", on_chain(_metadata("digest 3", signature="none")),
         {"digest 3": MODIFIED}, words=("Non-hexadecimal digit found", "signature verification failed")),
    Case("newest digest with another's signature",
         on_chain(lambda m: m.metadata[m.key("digest 6")].update(m.metadata[m.key("digest 5")])),
         digest_is(MODIFIED, 6)),
    Case("signature in capitals", on_chain(lambda m: m.metadata[m.key("digest 6")].update(
        signature=m.metadata[m.key("digest 6")]["signature"].upper()))),
    Case("chain begins anew", _restart, gaps=("restart",)),
    Case("chain begins anew, old digest deleted", lambda m: (_restart(m), m.delete("digest 2")),
         gaps=("restart",)),
    Case("backfill begins anew", lambda m: (_backfill(m), m.add_digest(5, [m.add_log(5, 4)], None, backfill=True)),
         gaps=("restart",)),
    Case("chain begins anew, log file between", lambda m: (_restart(m), m.add_log(4, 1)), {"log 4.1": UNCOVERED},
         gaps=("restart",)),
    Case("backfill", _backfill),
    Case("backfill without timestamp", lambda m: _backfill(m, with_time=False),
         {"backfill 2": MODIFIED, "backfill 3": MODIFIED, "log 3.4": UNLISTED}, on_copy={}),
    Case("backfill, its log file deleted", lambda m: (_backfill(m), m.delete("log 2.4")), {"log 2.4": MISSING}),
    Case("backfill, its log file changed", lambda m: (_backfill(m), m.change("log 3.4", flipped)),
         {"log 3.4": MODIFIED}),
    Case("backfill digest changed", lambda m: (_backfill(m), m.edit("backfill 2", awsAccountId="999999999999")),
         {"backfill 2": MODIFIED, "log 2.4": UNLISTED}),
    Case("backfill digest deleted", lambda m: (_backfill(m), m.delete("backfill 2")),
         {"backfill 2": MISSING, "log 2.4": UNLISTED}),
    Case("backfill, standard digest deleted", lambda m: (_backfill(m), m.delete("digest 4")), digest_is(MISSING, 4),
         gaps=("lost",)),
    Case("no digests", lambda m: m.add_log(1, 1), {"log 1.1": UNCOVERED}),
    Case("from the middle of an hour", on_chain(lambda m: m.change("log 1.1", flipped)), {}, since=2.5 * HOUR),
    Case("from a full hour", on_chain(), {}, since=2 * HOUR),
    Case("from a second after the full hour", on_chain(), {}, since=2 * HOUR + timedelta(seconds=1)),
    Case("from a minute after the full hour", on_chain(), {}, since=2 * HOUR + timedelta(minutes=1)),
    Case("from 61 seconds after the full hour", on_chain(), {}, since=2 * HOUR + timedelta(seconds=61)),
    Case("to the middle of an hour", on_chain(), {}, until=3.5 * HOUR),
    Case("to a full hour", on_chain(), {}, until=3 * HOUR),
    Case("to a second before the full hour", on_chain(), {}, until=3 * HOUR - timedelta(seconds=1)),
    Case("a window within an hour", on_chain(), {}, since=2.2 * HOUR, until=2.4 * HOUR),
    Case("a window before everything", on_chain(), {}, since=-9 * HOUR, until=-8 * HOUR),
    Case("a window with a deleted digest at its end", on_chain(lambda m: m.delete("digest 4")),
         digest_is(MISSING, 4), since=1 * HOUR, until=4.5 * HOUR, gaps=("lost",)),
)  # fmt: skip

COMBINED: tuple[Case, ...] = tuple(
    Case(
        f"{one} in hour 2, {other} in hour 5",
        on_chain(
            lambda m, one=one: _FAULTS[one][0](m, 2),
            lambda m, other=other: _FAULTS[other][0](m, 5),
        ),
        _FAULTS[one][1](2) | _FAULTS[other][1](5),
        gaps=("lost",) * [one, other].count("digest deleted"),
        more="a log file in no digest" if "log planted" in (one, other) else "",
    )
    for one, other in combinations(_FAULTS, 2)
)
CASES = (*SINGLE, *COMBINED)
IN_BUCKETS = (*SINGLE, *COMBINED[::3])
"""Judged in a bucket and by the AWS CLI as well; each costs half a second there."""
