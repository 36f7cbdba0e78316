"""
Values that repeat, kept once: Arrow dictionaries for the columns in which few values make most of the rows.

Half of a row's bytes are a handful of role ARNs, user agents and TLS versions. As dictionaries they are gathered as
numbers, and reach Parquet, which stores them so anyway, without being told apart a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

_HARDLY_REPEAT = frozenset(
    """
    eventID requestID requestParameters responseElements additionalEventData serviceEventDetails edgeDeviceDetails
    insightDetails eventContext extra
    """.split()
)


def with_dictionaries(rows: pa.Table) -> pa.Table:
    """The same rows, each repeating string column or field of a struct as a dictionary."""
    names = rows.column_names
    batches = [
        pa.record_batch([_encoded(*column) for column in zip(names, batch.columns, strict=True)], names=names)
        for batch in rows.to_batches()
    ]
    return pa.Table.from_batches(batches) if batches else rows


def together(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows of several `with_dictionaries`, in a chunk each, with one dictionary a column."""
    return pa.concat_tables(parts).unify_dictionaries()


def keeping_dictionaries(wanted: pa.DataType, given: pa.DataType) -> pa.DataType:
    """The type to cast to: the wanted one, in which a dictionary of wanted values stays one."""
    if pa.types.is_dictionary(given) and given.value_type == wanted:
        return given
    if pa.types.is_struct(given) and pa.types.is_struct(wanted):
        there = {field.name: field.type for field in given}
        fields = [
            field.with_type(keeping_dictionaries(field.type, there.get(field.name, field.type))) for field in wanted
        ]
        return pa.struct(fields)
    return wanted


def expanded(distinct: pa.Array, indices: pa.Array) -> pa.Array:
    """The values at the indices, null for null: as `take`, but repeating strings become dictionaries."""
    return _expanded("", distinct, indices)


def plain_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values that occur in a column, those of a dictionary each once."""
    if pa.types.is_dictionary(column.type):
        return column.unique().cast(column.type.value_type)
    return column


def _encoded(name: str, values: pa.Array) -> pa.Array:
    if pa.types.is_struct(values.type):
        fields = [_encoded(field.name, values.field(number)) for number, field in enumerate(values.type)]
        names = [field.name for field in values.type]
        return pa.StructArray.from_arrays(fields, names=names, mask=values.is_null() if values.null_count else None)
    if pa.types.is_string(values.type) and name not in _HARDLY_REPEAT:
        return values.dictionary_encode()
    return values


def _expanded(name: str, distinct: pa.Array, indices: pa.Array) -> pa.Array:
    if pa.types.is_struct(distinct.type):
        fields = [_expanded(field.name, distinct.field(number), indices) for number, field in enumerate(distinct.type)]
        is_missing = distinct.is_null().take(indices).fill_null(True)
        return pa.StructArray.from_arrays(fields, names=[field.name for field in distinct.type], mask=is_missing)
    encoded = _encoded(name, distinct)
    if pa.types.is_dictionary(encoded.type):
        return pa.DictionaryArray.from_arrays(encoded.indices.take(indices), encoded.dictionary)
    return encoded.take(indices)
