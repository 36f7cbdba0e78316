"""DuckDB's errors in words for whoever wrote the query."""

from __future__ import annotations

import re

import duckdb

_DID_YOU_MEAN = re.compile(r'(?:Candidate bindings|Did you mean)[:\s]+"?([\w.]+)"?')


def in_words(error: duckdb.Error | str) -> str:
    """The message without its class name, position drawing and stack, on one line."""
    text = str(error).split("\n\nLINE ", 1)[0].split("\nLINE ", 1)[0].strip()
    first, colon, rest = text.partition(": ")
    if colon and "\n" not in first and first.endswith(("Error", "Exception")):
        text = rest
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
    if near := _DID_YOU_MEAN.search(text):
        return f"did you mean {near[1]}? trailql describe events lists the columns"
    if "not found in FROM clause" in text or "does not have a column" in text:
        return "trailql describe events lists the columns"
    return None
