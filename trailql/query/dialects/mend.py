"""Queries as they are pasted from web pages, chats and wikis: quotes, spaces and placeholders put right."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SINGLE, _DOUBLE = "‘’‚‛′", "“”„‟″"
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u202f\u3000"), " ")
_NOTHING = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"), "")
_ENTITIES = {"&gt;": ">", "&lt;": "<", "&amp;": "&", "&#39;": "'", "&quot;": '"', "&nbsp;": " "}
_FENCE = re.compile(r"^\s*```\w*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_PIECES = re.compile(
    r"""
      (?P<text>'(?:[^']|'')*')                                  # a string
    | (?P<name>"(?:[^"]|"")*")                                  # a quoted name
    | (?P<tick>`[^`]*`)                                         # a name quoted as in Hive
    | (?P<note>--[^\n]*|/\*.*?\*/)                              # a comment
    | (?P<other>[^'"`\-/]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TABLE = r"""
    (?P<before>\b(?:FROM|JOIN)\s+|,\s*(?=[$<{\[]|[A-Za-z0-9]{4,}(?:-[A-Za-z0-9]{4,}){3,}))
    (?P<table>
        \$\{[^}\s]*\} | \$\{?[A-Za-z_][\w.-]*\}?                # $EDS_ID, ${eds}
      | <[^<>=\n]{1,80}>                                        # <event_data_store_id>
      | \{\{?\s*[\w.\- ]+\s*\}?\}                               # {eds_id}, {{ eds_id }}
      | \[[\w.\- ]+\]                                           # [EDS-ID]
      | arn:aws[\w-]*:cloudtrail:[\w:/-]+
      | (?=[\w-]*-|\d)[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*          # a bare UUID, eds-id
    )
    (?![\w(.])
"""
_BEFORE_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+$", re.IGNORECASE)
_PLAIN_TABLE = re.compile(r"'[\w<>${} -]+'")
_DIGITS = re.compile(r"(?<![\w.$<{\[-])\d+(?:_\d+)+(?![\w>}\]-])")
_TABLES = re.compile(_TABLE, re.VERBOSE | re.IGNORECASE)


def mended(text: str) -> str:
    """
    The query with straight quotes, plain spaces, and every table named as SQL can read it.

    Curly quotes inside straight-quoted strings stay, they are data; a code fence around the query goes.
    """
    if fenced := _FENCE.match(text):
        text = fenced[1]
    text = "".join(_straight(text))
    return "".join(_named(text)).strip().rstrip(";").rstrip()


def _straight(text: str) -> Iterator[str]:
    """Curly quotes outside strings begin and end strings."""
    place = 0
    while place < len(text):
        letter = text[place]
        if letter in "'\"`":
            end = _end_of(text, place, letter)
            yield text[place:end]
            place = end
        elif text.startswith("--", place):
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
            yield text[place:end]
            place = end
        elif text.startswith("/*", place):
            end = text.find("*/", place)
            end = len(text) if end < 0 else end + 2
            yield text[place:end]
            place = end
        elif letter in _SINGLE or letter in _DOUBLE:
            quotes, straight = (_SINGLE, "'") if letter in _SINGLE else (_DOUBLE, '"')
            end = place + 1
            while end < len(text) and text[end] not in quotes and text[end] != straight:
                end += 1
            yield straight + text[place + 1 : end] + straight
            place = end + 1
        else:
            entity = next((each for each in _ENTITIES if letter == "&" and text.startswith(each, place)), None)
            if entity:
                yield _ENTITIES[entity]
                place += len(entity)
            else:
                yield letter.translate(_SPACES).translate(_NOTHING)
                place += 1


def _end_of(text: str, place: int, quote: str) -> int:
    """Behind the closing quote; a doubled one does not close."""
    end = place + 1
    while end < len(text):
        if text[end] == quote:
            if text.startswith(quote, end + 1):
                end += 2
                continue
            return end + 1
        end += 1
    return len(text)


def _named(text: str) -> Iterator[str]:
    """Tables that no SQL parser would read as names, quoted."""
    waiting = ""
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "other":
            waiting += piece[0]
            continue
        yield _TABLES.sub(_quoted_table, _DIGITS.sub(_without_underscores, waiting))
        before, waiting = waiting, ""
        is_table = piece.lastgroup == "text" and _PLAIN_TABLE.fullmatch(piece[0]) and _BEFORE_TABLE.search(before)
        if is_table and _is_in_select(text[: piece.start()]):
            yield f'"{piece[0][1:-1]}"'
        elif piece.lastgroup == "tick":
            yield '"' + piece[0][1:-1].replace('"', '""') + '"'
        else:
            yield piece[0]
    yield _TABLES.sub(_quoted_table, _DIGITS.sub(_without_underscores, waiting))


def _is_in_select(text: str) -> bool:
    """Whether the FROM at the end is that of a SELECT, not of `trim('x' FROM 'xax')`."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth < 0:
            return re.search(r"\bselect\b", text[place:], re.IGNORECASE) is not None
    return True


def _without_underscores(found: re.Match[str]) -> str:
    return found[0].replace("_", "")


def _quoted_table(found: re.Match[str]) -> str:
    table = found["table"]
    if re.fullmatch(r"\d+", table):
        return found[0]
    return f'{found["before"]}"{table}"'
