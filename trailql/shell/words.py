"""What can be completed where: tables, columns, fields of structs, SQL's words, bundled queries, dot commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trailql.query.library import bundled_files, find_bundled
from trailql.report.rows import Format
from trailql.schema import TABLE_MEANINGS, TABLES, VIEW_MEANINGS, VIEWS, Column

KEYWORDS = tuple(
    """
    ALL AND ANY ANTI ARRAY AS ASC ASOF BETWEEN BIGINT BOOLEAN BY CASE CAST COLUMNS CROSS CURRENT DATE DAY DESC DESCRIBE
    DISTINCT DOUBLE ELSE END EXCEPT EXCLUDE EXISTS FALSE FILTER FIRST FOLLOWING FROM FULL GROUP HAVING HOUR IGNORE ILIKE
    IN INNER INTEGER INTERSECT INTERVAL IS JOIN LAST LATERAL LEFT LIKE LIMIT MATERIALIZED MINUTE MONTH NATURAL NOT NULL
    NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PIVOT PRECEDING QUALIFY RANGE RECURSIVE REPLACE RIGHT ROWS SAMPLE
    SELECT SEMI SHOW SIMILAR SUMMARIZE TABLE TABLES THEN TIME TIMESTAMP TIMESTAMPTZ TO TRUE TRY_CAST UNBOUNDED UNION
    UNPIVOT USING VALUES VARCHAR WHEN WHERE WINDOW WITH WITHIN
    """.split()
)
FUNCTIONS = tuple(
    """
    abs actor age any_value approx_count_distinct approx_quantile approx_top_k arg_max arg_min array_agg avg bool_and
    bool_or ceil coalesce concat concat_ws contains count count_if cume_dist date_diff date_part date_trunc dayname
    dense_rank ends_with epoch epoch_ms extract first first_value floor format format_bytes from_json greatest
    histogram hour if json_array_length json_each json_exists json_extract json_extract_string json_group_array
    json_keys json_object json_pretty json_structure json_type json_valid lag last last_value lead least left length
    list list_aggregate list_contains list_distinct list_filter list_has_any list_sort list_transform lower lpad ltrim
    make_date make_timestamp max max_by md5 median min min_by mode month monthname now ntile nullif percent_rank
    quantile_cont random range rank record_field regexp_extract regexp_extract_all regexp_full_match regexp_matches
    regexp_replace replace reverse right round row_number rpad rtrim sha256 split_part starts_with stddev strftime
    string_agg string_split strptime struct_extract struct_pack substring sum time_bucket to_days to_hours to_json
    to_minutes to_seconds to_timestamp today trim try_strptime typeof unnest upper url_decode week weekday year
    """.split()
)
COMMANDS: Mapping[str, tuple[str, str]] = {
    ".describe": ("[table]", "the same as .schema"),
    ".format": ("table|csv|json|jsonl|md", "how answers are written"),
    ".help": ("", "this list"),
    ".limit": ("N", "at most N rows of an answer are shown; 0 for all"),
    ".output": ("FILE", "the next answer goes to a file; its ending may say the format, also .parquet and .arrow"),
    ".queries": ("[topic]", "the bundled queries, by topic"),
    ".quit": ("", "leave; so does Ctrl-D"),
    ".refresh": ("", "open the lake anew, to see what has been ingested since"),
    ".run": ("NAME [param=value …]", "run a bundled query; its name alone does as well"),
    ".schema": ("[table]", "columns and struct fields, their types and meanings"),
    ".tables": ("", "the tables, what they hold and what they mean"),
    ".timer": ("on|off", "say how long an answer took"),
    ".wide": ("on|off", "one record below the other instead of a table; off: only where the columns do not fit"),
}
"""Dot commands: what comes after them, and what they do."""

_ASKED = TABLES | VIEWS
_MEANINGS = TABLE_MEANINGS | VIEW_MEANINGS
_PATH = re.compile(r'[\w".]+$')


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A completion.

    Args:
        text: What is written.
        replaces: How many characters before the cursor it takes the place of.
        meaning: What it is, in a word or a sentence.
    """

    text: str
    replaces: int
    meaning: str = ""


def candidates(text: str) -> list[Candidate]:
    """
    What may come at the end of a text, whatever its case.

    Args:
        text: What stands before the cursor, all lines of it.
    """
    line = text.rpartition("\n")[2].lstrip()
    is_first_line = "\n" not in text.strip()
    if is_first_line and line.startswith("."):
        return list(_of_command(line))
    if is_first_line and " " in line and find_bundled(line.split()[0]):
        return list(_parameters(line))
    match = _PATH.search(line)
    word = match[0] if match else ""
    if "." in word:
        fields = list(_fields(word))
        return fields or (list(_queries(word, word)) if is_first_line and line == word else [])
    found = list(_sql(text, word))
    if is_first_line and line == word and word:
        found += _queries(word, word)
    return found


def _of_command(line: str) -> Iterator[Candidate]:
    command, space, rest = line.partition(" ")
    if not space:
        yield from _matching({name: meaning for name, (_, meaning) in COMMANDS.items()}, line)
        return
    last = rest.rpartition(" ")[2]
    if command in (".schema", ".describe"):
        yield from _matching(_MEANINGS, last)
    elif command == ".format":
        yield from _matching({each.value: "" for each in Format if each.is_text}, last)
    elif command in (".timer", ".wide"):
        yield from _matching({"on": "", "off": ""}, last)
    elif command == ".queries":
        yield from _matching({topic: "" for topic in topics()}, last)
    elif command == ".run" and " " in rest:
        yield from _parameters(rest)
    elif command == ".run":
        yield from _queries(last, last)


def topics() -> list[str]:
    """The folders of the bundled queries."""
    return sorted({file.id.partition(".")[0] for file in bundled_files()})


def _queries(typed: str, word: str) -> Iterator[Candidate]:
    for file in bundled_files():
        for name in (file.id.partition(".")[2], file.id):
            if name.lower().startswith(typed.lower()):
                yield Candidate(name, len(word), file.title)
                break


def _parameters(line: str) -> Iterator[Candidate]:
    name, *given, last = line.split(" ")
    file = find_bundled(name)
    if file and "=" not in last:
        taken = {each.partition("=")[0] for each in given}
        offered = {f"{each.name}=": f"{each.meaning} ({each.default})" for each in file.parameters}
        yield from _matching({name: told for name, told in offered.items() if name[:-1] not in taken}, last)


def _sql(text: str, word: str) -> Iterator[Candidate]:
    named = [table for table in _ASKED if re.search(rf"\b{table}\b", text, re.IGNORECASE)] or ["events"]
    if re.search(r'\b(?:from|join|describe|summarize|table)\s+[\w"]*$', text, re.IGNORECASE):
        yield from _matching(_MEANINGS, word)
        return
    if not word:
        return
    columns = {column.name: column.meaning for table in named for column in _ASKED[table]}
    yield from _matching(columns, word)
    yield from _matching(_MEANINGS, word)
    yield from _matching({f"{name}(": "function" for name in FUNCTIONS}, word)
    words = {name.lower() if word.islower() else name: "" for name in KEYWORDS}
    yield from _matching(words, word)


def _fields(word: str) -> Iterator[Candidate]:
    """The fields of a struct after `userIdentity.`, the columns of a table after `events.` or an alias and a dot."""
    *path, last = word.replace('"', "").split(".")
    if not path[0]:
        return
    columns: tuple[Column, ...] = _ASKED.get(path[0].lower(), ())
    if columns:
        path = path[1:]
    else:
        every = tuple(column for table in _ASKED.values() for column in table)
        if not _named(every, path[0]):  # an alias
            path = path[1:]
        columns = every
    for name in path:
        column = _named(columns, name)
        if column is None:
            return
        columns = column.fields
    yield from _matching({column.name: column.meaning for column in columns}, last)


def _named(columns: tuple[Column, ...], name: str) -> Column | None:
    return next((column for column in columns if column.name.lower() == name.lower()), None)


def _matching(offered: Mapping[str, str], typed: str) -> Iterator[Candidate]:
    for name, meaning in offered.items():
        if name.lower().startswith(typed.lower()):
            yield Candidate(name, len(typed), meaning)
