"""DuckDB's errors in words for whoever wrote the query."""

from __future__ import annotations

import re

import duckdb

_DID_YOU_MEAN = re.compile(r'(?:Candidate bindings|Did you mean)[:\s]+"?([\w.]+)"?')


_PLAINER = [
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"No function matches the given name and argument types '([\w.]+)\((.*?)\)'.*", r"\1 does not take \2"),
        (r"More than one row returned by a subquery.*", "a subquery gives several rows where one value is needed"),
        (r"Failure in decode.*", "from_utf8: the bytes are no UTF-8"),
        (r"Could not parse string (\".*?\") according to format specifier.*", r"\1 does not fit the time pattern"),
        (
            r"^((?:missing [\])]|invalid perl|bad repetition|invalid escape|unexpected \)).*)",
            r"the regular expression is not understood: \1",
        ),
    )
]


def in_words(error: duckdb.Error | str) -> str:
    """The message without its class name, position drawing and stack, on one line."""
    text = str(error).split("\n\nLINE ", 1)[0].split("\nLINE ", 1)[0].strip()
    first, colon, rest = text.partition(": ")
    if colon and "\n" not in first and first.endswith(("Error", "Exception")):
        text = rest
    for pattern, words in _PLAINER:
        text = pattern.sub(words, text.strip())
    return " ".join(line.strip() for line in text.strip().splitlines()[:3])


def hint_for(error: duckdb.Error) -> str | None:
    """What to try next."""
    text = str(error)
    if "Permission" in text or "disabled" in text:
        return "a query sees the lake's tables (trailql tables), and no other files"
    if "Out of Memory" in text or "could not allocate" in text:
        return "ask for fewer rows or days (--since, --until), or give it more: --memory 16GB"
    if "max_temp_directory_size" in text:
        return "ask for fewer rows or days (--since, --until)"
    if "Values were not provided" in text:
        return f"--param {text.rpartition(': ')[2].split(',')[0].strip()}=…"
    if "cannot contain aggregates" in text:
        return "HAVING count(*) > 5, behind GROUP BY"
    if "cannot contain window functions" in text:
        return "SELECT * FROM (SELECT …, row_number() OVER (…) AS place FROM …) WHERE place = 1"
    if near := _DID_YOU_MEAN.search(text):
        return f"did you mean {near[1]}? trailql describe TABLE lists the columns"
    if "not found in FROM clause" in text or "does not have a column" in text:
        return "trailql describe TABLE lists the columns"
    return None
