"""The rows of an answer, in whatever form the caller works with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        dialect: What the query was read as: `duckdb`, `lake` or `athena`.
    """

    def __init__(self, table: pa.Table, dialect: str = "duckdb") -> None:
        self._table = table
        self.dialect = dialect

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table; columns may share a name, as in the query."""
        return self._table

    def pl(self) -> polars.DataFrame:
        """The rows as a Polars frame; a second column of one name is called `name_2`."""
        import polars

        frame = polars.from_arrow(self._table.rename_columns(unique_names(self.columns)))
        assert isinstance(frame, polars.DataFrame)
        return frame

    def df(self) -> pandas.DataFrame:
        """
        The rows as a pandas frame; a second column of one name is called `name_2`.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return self._table.rename_columns(unique_names(self.columns)).to_pandas()

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as tuples of Python values."""
        return list(zip(*map(values_of, self._table.columns), strict=True))

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts; a second column of one name is called `name_2`."""
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


def unique_names(names: Sequence[str]) -> list[str]:
    """Names of columns made different, whatever their case: `a`, `a_2`, `a_3`."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    found = []
    for name in names:
        chosen, number = name, 1
        while chosen.lower() in seen or (number > 1 and chosen.lower() in taken):
            number += 1
            chosen = f"{name}_{number}"
        seen.add(chosen.lower())
        found.append(chosen)
    return found


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """
    A column as Python values; maps as dicts.

    What Python has no type for (nanoseconds, years before Christ, infinite dates) is text.
    """
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return list(column.cast(pa.string()).to_pylist())
    try:
        return list(column.to_pylist(maps_as_pydicts="lossy"))
    except (OverflowError, ValueError):
        return [_value_of(scalar) for scalar in column]


def _value_of(scalar: Any) -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except (OverflowError, ValueError):
        if isinstance(scalar, pa.StructScalar):
            return {name: _value_of(inner) for name, inner in scalar.items()}
        if isinstance(scalar, pa.ListScalar):
            return list(map(_value_of, scalar.values))
        if isinstance(scalar, pa.MapScalar):
            return {_value_of(each["key"]): _value_of(each["value"]) for each in scalar.values}
    if pa.types.is_date(scalar.type) or pa.types.is_timestamp(scalar.type):
        infinite = 2**31 - 1 if scalar.type == pa.date32() else 2**63 - 1
        if abs(scalar.value) == infinite:
            return "infinity" if scalar.value > 0 else "-infinity"
    return scalar.cast(pa.string()).as_py()
