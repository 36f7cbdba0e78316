"""What DuckDB says when it cannot answer, as trailql says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from trailql.errors import LakeError, QueryError
from trailql.query.words import in_words

_DAMAGED = (duckdb.IOException, duckdb.InvalidInputException, duckdb.HTTPException)


@contextmanager
def told_in_words(lake: str) -> Iterator[None]:
    """
    For SQL of ours on the open connection, which `OpenLake.sql` does not see.

    Raises:
        LakeError: A file of the lake is missing or damaged.
        QueryError: Anything else, such as too little memory.
    """
    try:
        yield
    except _DAMAGED as error:
        raise LakeError(in_words(error), at=lake, hint=f"trailql lake check --lake {lake}") from error
    except duckdb.Error as error:
        raise QueryError(in_words(error), hint="a shorter time: --since, --until") from error
