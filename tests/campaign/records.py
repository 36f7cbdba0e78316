"""Real records, changed in every way JSON allows: the texts of the campaign's records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from uuid import UUID

from tests.conftest import SAMPLE_LOGS, SHARED_DATA

DEEP = 300
"""Nested more deeply, a record is in a file of its own: the whole file may be refused."""


class Spelled(str):
    """JSON text to be written as it is."""


class Members(list[list[Any]]):
    """An object: pairs of key and value, equal keys allowed; a key may be `Spelled`."""


def real_records() -> list[Members]:
    """The records to begin with: real logs where they lie beside the repository, the sample organization otherwise."""
    folder = SHARED_DATA if SHARED_DATA.is_dir() else SAMPLE_LOGS / "AWSLogs"
    paths = [path for path in sorted(folder.rglob("*.json*")) if "CloudTrail-" not in str(path)]
    found: list[Members] = []
    for path in paths[:: max(1, len(paths) // 250)] + [path for path in paths if "stratus" in str(path)]:
        stored = path.read_bytes()
        try:
            content = gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored
            document = json.loads(content, object_pairs_hook=_members)
        except (ValueError, EOFError, OSError):
            continue
        records = dict(document).get("Records") if isinstance(document, Members) else document
        found += [one for one in records or () if isinstance(one, Members)]
    return found


def _members(pairs: list[tuple[str, Any]]) -> Members:
    return Members(map(list, pairs))


def copied(value: Any) -> Any:
    """A copy whose parts can be changed."""
    if isinstance(value, Members):
        return Members([key, copied(inner)] for key, inner in value)
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


NUMBERS = (
    "0 -0 -0.0 0.0 1.0 1.50 1e5 1E+5 1e-5 1e400 -1E400 1e-400 5e-324 1e99999999999999999999 -1e-99999999999999999999 "
    "0.1000000000000000055 123456789.123456789123456789 9007199254740993 18446744073709551615 18446744073709551616 "
    "9223372036854775807 -9223372036854775808 -9223372036854775809 1.7976931348623157e309 100000000000000000000000 1e0"
).split()
STRINGS = (
    r'"a\u0000b"', r'"\"\\\/"', r'"\b\f\n\r\t"', r'"\u0041\u00e9"', r'"\ud83d\ude00"', '"😀"', '"\u2028\u2029\u0085"',
    '"\ufeff"', r'"\ud800"', r'"\udfff!"', r'"\ude00\ud83d"', r'"\uD83D"', '""', '" "', '"\x7f"', '"\uffff"',
    r'"\\u0041"', r'"\\"', r'"\\\""', r'"\u005c"', r'"\u0022,\u0022x\u0022:\u0022"', '"null"', '"true"', '"{}"', '"[]"',
    '"2026-10-01T12:30:00Z"', "\"'; DROP TABLE events; --\"", '"=1+1"', '"../../../etc/passwd"', r'"\u001b[2J"',
    '"é"', r'"e\u0301"', '"\U0010ffff"', r'"\u202egnp"', '"NaN"', '"%s%n"', '"$record"', '"ﬀ"', r'"\u0000"',
)  # fmt: skip
SHAPES = (
    "{}", "[]", "null", "true", "false", "[null]", "[[]]", "[{}]", '{"":1}', '{"a":{}}', '{"a":null,"b":[null,{}]}',
    '{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', r'{"a":1,"\u0061":2}', r'{"\ud800":1,"\ud801":2}',
    '{ "a" :\t[ 1 , 2 ]\n}', '{"a.b":1,"a":{"b":2}}', '{"$record":"x"}', r'{"a\"b":1,"a\\b":2,"a\/b":3}', '[1,"1",1.0]',
    r'{"\u0000":1,"a\u0000":2}', '{"type":"x","arn":1}', '[{"ARN":"x"},{"ARN":"x","ARN":"y"}]',
)  # fmt: skip
KEYS = (
    '"newField"', '"new.field"', '"$.a"', '"$record"', '"extra"', '"log_file"', '"event_date"', '"is_whole"',
    '"file_no"',
    '""', '" "', '"é"', '"😀"', r'"a\"b"', '"a\'b"', r'"a\\b"', r'"a\/b"', r'"\u0061"', r'"\ud800"', r'"\u0000"',
    '"eventname"', '"EVENTID"', r'"event\u004eame"', '"__proto__"', '"[0]"', '"*"', '"a[0].b"', '"record"', '"text"',
    '"\u2028"', '"eventTime "', '"userIdentity.arn"', '"' + "k" * 300 + '"',
)  # fmt: skip
TIMES = (
    '"2026-10-01T12:30:00.123456Z"', '"2026-10-01T12:30:00.123456789Z"', '"2026-10-01T12:30:00+02:00"', '"2026-10-01"',
    '"2026-10-01T12:30:00"', '"20261001T123000Z"', '"2026-12-31T23:59:60Z"', '"2026-12-31T24:00:00Z"', '"soon"', '""',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"0999-06-01T00:00:00Z"',
    '"1677-01-01T00:00:00Z"', '"1969-12-31T23:59:59Z"', '"2300-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"',
    '"9999-12-31T23:59:59-01:00"', '"10000-01-01T00:00:00Z"', '"-0005-01-01T00:00:00Z"', '"infinity"', '"epoch"',
    '"2026-02-30T00:00:00Z"', '"2026-10-01t12:30:00z"', '" 2026-10-01T12:30:00Z"', '"２０２６-10-01T12:30:00Z"', "null",
    r'"2026-10-01T12:30:0\u0030Z"', "1790000000", "1790000000123", "1.79e9", "-1", "0", "true", "{}", "[]", "1e400",
    '"2026-10-01T12:30:00Z\\u0000"', '"2026-W40-4T12:30:00Z"', "9" * 400, '"294276-12-31T00:00:00Z"',
)  # fmt: skip


class RecordMutator:
    """
    Makes changed records, endlessly and always the same for a seed.

    Args:
        random: Where all choices come from.
        originals: Records to change.
    """

    def __init__(self, random: Random, originals: list[Members]) -> None:
        self.random = random
        self._originals = originals
        self._made: list[Members] = []
        self._changes: tuple[tuple[Callable[[Members], None], int], ...] = (
            (self._add_unknown, 5),
            (self._change_value, 8),
            (self._repeat_key, 3),
            (self._drop, 3),
            (self._set_null, 2),
            (self._shuffle, 3),
            (self._respell_string, 4),
            (self._respell_key, 2),
            (self._change_time, 2),
            (self._change_id, 2),
            (self._move, 2),
            (self._nest, 1),
        )

    def plain(self) -> str:
        """A real record as it is, under an eventID of its own."""
        return written(self._own(self.random.choice(self._originals)))

    def texts(self) -> Iterator[str]:
        """Changed records."""
        random = self.random
        while True:
            chance = random.random()
            if self._made and chance < 0.06:  # a copy: the same content, perhaps spelled otherwise
                made = copied(random.choice(self._made))
                if random.random() < 0.5:
                    self._shuffle_all(made)
            elif self._made and chance < 0.1:  # the same eventID, other content
                made = copied(random.choice(self._made))
                self._change(made)
            elif chance < 0.11:
                yield random.choice(("{}", "[]", "null", "5", '"text"', "true", "[1,2]", '[{"a":1}]', "-0.0", '"{}"'))
                continue
            else:
                made = self._own(random.choice(self._originals))
                for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
                    self._change(made)
            self._made.append(made)
            if len(self._made) > 300:
                self._made.pop(random.randrange(300))
            yield written(made, random if random.random() < 0.25 else None)

    def _own(self, original: Members) -> Members:
        made: Members = copied(original)
        if self.random.random() < 0.85:
            for pair in made:
                if pair[0] == "eventID":
                    pair[1] = str(UUID(int=self.random.getrandbits(128), version=4))
        return made

    def _change(self, made: Members) -> None:
        changes, weights = zip(*self._changes, strict=True)
        self.random.choices(changes, weights)[0](made)

    def _object(self, made: Members) -> Members:
        """The record, or an object somewhere inside."""
        place = made
        while self.random.random() < 0.55:
            inner = [value for _, value in place if isinstance(value, Members)]
            inner += [one for _, value in place if isinstance(value, list) for one in value if isinstance(one, Members)]
            if not inner:
                break
            place = self.random.choice(inner)
        return place

    def _value(self) -> Spelled:
        random = self.random
        chance = random.random()
        if chance < 0.002:
            return Spelled(json.dumps(random.choice(("x", "é", '"', "\0", "😀")) * 1_000_000, ensure_ascii=False))
        if chance < 0.005:
            return Spelled("[" + ",".join(random.choices(NUMBERS, k=3000)) + "]")
        if chance < 0.015:
            return Spelled(random.choice(("", "-")) + "9" * random.choice((19, 20, 39, 40, 400, 4299, 4301, 5000)))
        if chance < 0.022:
            return Spelled(
                nested(random, random.choice((20, 100, 250, 500, 900, random.randint(940, 1000), 1100, 5000)))
            )
        return Spelled(random.choice(random.choice((NUMBERS, STRINGS, SHAPES, TIMES))))

    def _add_unknown(self, made: Members) -> None:
        place = self._object(made)
        place.insert(self.random.randint(0, len(place)), [Spelled(self.random.choice(KEYS)), self._value()])

    def _change_value(self, made: Members) -> None:
        if pair := self._pair(made):
            pair[1] = self._value()

    def _repeat_key(self, made: Members) -> None:
        place = self._object(made)
        if place:
            key, value = self.random.choice(place)
            again = copied(value) if self.random.random() < 0.4 else self._value()
            place.insert(self.random.randint(0, len(place)), [key, again])

    def _drop(self, made: Members) -> None:
        place = self._object(made)
        if place:
            place.pop(self.random.randrange(len(place)))

    def _set_null(self, made: Members) -> None:
        if pair := self._pair(made):
            pair[1] = None

    def _shuffle(self, made: Members) -> None:
        self.random.shuffle(self._object(made))

    def _shuffle_all(self, value: Any) -> None:
        """Another order of keys everywhere, but for equal keys, whose order is content."""
        if isinstance(value, Members):
            if len({str(key) for key, _ in value}) == len(value) and not any(
                isinstance(key, Spelled) for key, _ in value
            ):
                self.random.shuffle(value)
            for _, inner in value:
                self._shuffle_all(inner)
        elif isinstance(value, list):
            for inner in value:
                self._shuffle_all(inner)

    def _respell_string(self, made: Members) -> None:
        pair = self._pair(made)
        if pair and isinstance(pair[1], str) and not isinstance(pair[1], Spelled):
            pair[1] = Spelled(escaped(self.random, pair[1]))

    def _respell_key(self, made: Members) -> None:
        pair = self._pair(made)
        if pair and not isinstance(pair[0], Spelled):
            pair[0] = Spelled(escaped(self.random, pair[0]))

    def _change_time(self, made: Members) -> None:
        self._set(made, "eventTime", Spelled(self.random.choice(TIMES)))

    def _change_id(self, made: Members) -> None:
        texts = ('""', "null", "5", "{}", '"same"', r'"\ud800"', '"' + "i" * 70_000 + '"', r'"a\u0000"', '" "', "1e400")
        self._set(made, "eventID", Spelled(self.random.choice(texts)))

    def _set(self, made: Members, key: str, value: Any) -> None:
        for pair in made:
            if pair[0] == key:
                pair[1] = value

    def _move(self, made: Members) -> None:
        place, other = self._object(made), self._object(made)
        if place:
            pair = place[self.random.randrange(len(place))]
            other.append([pair[0], copied(pair[1])])

    def _nest(self, made: Members) -> None:
        """A value inside itself."""
        if pair := self._pair(made):
            pair[1] = Members([[pair[0], pair[1]]]) if self.random.random() < 0.5 else [pair[1]]

    def _pair(self, made: Members) -> list[Any] | None:
        place = self._object(made)
        return self.random.choice(place) if place else None


def nested(random: Random, levels: int) -> str:
    """Arrays or objects inside each other."""
    if random.random() < 0.5:
        return "[" * levels + "]" * levels
    return '{"a":' * levels + "1" + "}" * levels


def escaped(random: Random, text: str) -> str:
    """A string spelled with needless escapes."""
    found = []
    for character in text:
        written_plainly = json.dumps(character, ensure_ascii=False)[1:-1]
        if character == "/" and random.random() < 0.5:
            found.append("\\/")
        elif random.random() < 0.2 and character < "\U00010000":
            digits = f"{ord(character):04x}"
            found.append("\\u" + (digits if random.random() < 0.5 else digits.upper()))
        elif random.random() < 0.5 and character > "\uffff":
            found.append(json.dumps(character)[1:-1])
        else:
            found.append(written_plainly)
    return '"' + "".join(found) + '"'


def written(value: Any, random: Random | None = None) -> str:
    """JSON text; with `random`, white space between its parts."""
    if isinstance(value, Spelled):
        return str(value)
    if isinstance(value, Members):
        pairs = [f"{_key(key)}{_space(random)}:{_space(random)}{written(inner, random)}" for key, inner in value]
        return "{" + _space(random) + f"{_space(random)},{_space(random)}".join(pairs) + _space(random) + "}"
    if isinstance(value, list):
        return "[" + f"{_space(random)},{_space(random)}".join(written(inner, random) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return str(key) if isinstance(key, Spelled) else json.dumps(key, ensure_ascii=False)


def _space(random: Random | None) -> str:
    if random is None or random.random() < 0.6:
        return ""
    return random.choice((" ", "\n", "\t", "\r\n", "  ", "\n    "))
