"""The rows of an answer, in whatever form the caller works with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import pandas
    import polars


class Result:
    """
    The rows of an answer. Times are UTC.

    Args:
        table: The rows.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table; columns may share a name, as in the query."""
        return self._table

    def pl(self) -> polars.DataFrame:
        """The rows as a Polars frame; a second column of one name is called `name_1`."""
        import polars

        frame = polars.from_arrow(self._table.rename_columns(unique_names(self.columns)))
        assert isinstance(frame, polars.DataFrame)
        return frame

    def df(self) -> pandas.DataFrame:
        """
        The rows as a pandas frame; a second column of one name is called `name_1`.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return self._table.rename_columns(unique_names(self.columns)).to_pandas()

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as tuples of Python values."""
        return list(zip(*(column.to_pylist() for column in self._table.columns), strict=True))

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts; a second column of one name is called `name_1`."""
        names = unique_names(self.columns)
        return [dict(zip(names, row, strict=True)) for row in self.rows()]

    @property
    def columns(self) -> list[str]:
        """The columns' names, in order."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows())

    def __repr__(self) -> str:
        return f"<{len(self):,} rows: {', '.join(self.columns)}>"


def unique_names(names: list[str]) -> list[str]:
    """Names of columns made different, whatever their case: `a`, `a_1`, `a_2`."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    found = []
    for name in names:
        chosen, number = name, 0
        while chosen.lower() in seen or (number and chosen.lower() in taken):
            number += 1
            chosen = f"{name}_{number}"
        seen.add(chosen.lower())
        found.append(chosen)
    return found
