"""
Trino's functions that trailql knows: how many arguments, what type comes out, and what it is in DuckDB.

A function that does not stand here is refused by name: DuckDB may have one of that name that means something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trailql.query.dialects import types as t
from trailql.query.dialects.types import Type

_SCALARS = r"""
abs 1 @0 abs({0})
acos 1 double acos({0})
asin 1 double asin({0})
atan 1 double atan({0})
atan2 2 double atan2({0}, {1})
cbrt 1 double cbrt({0})
ceil 1 @i0 ceil({0})
ceiling 1 @i0 ceil({0})
cos 1 double cos({0})
cosh 1 double cosh({0})
degrees 1 double degrees({0})
e 0 double exp(1)
exp 1 double exp({0})
floor 1 @i0 floor({0})
infinity 0 double CAST('inf' AS DOUBLE)
is_finite 1 boolean isfinite(CAST({0} AS DOUBLE))
is_infinite 1 boolean isinf(CAST({0} AS DOUBLE))
is_nan 1 boolean isnan(CAST({0} AS DOUBLE))
ln 1 double ln({0})
log 2 double log({0}, {1})
log2 1 double log2({0})
log10 1 double log10({0})
mod 2 common trino.mod({0}, {1})
nan 0 double CAST('nan' AS DOUBLE)
pi 0 double pi()
pow 2 double pow({0}, {1})
power 2 double pow({0}, {1})
radians 1 double radians({0})
rand 0 double random()
random 0 double random()
round 1 @i0 round({0})
round 2 @0 round({*})
sign 1 @0 CAST(sign({0}) AS {T0})
sin 1 double sin({0})
sinh 1 double sinh({0})
sqrt 1 double sqrt({0})
tan 1 double tan({0})
tanh 1 double tanh({0})
truncate 1 @i0 trunc({0})
truncate 2 @0 CAST(trunc({0}, CAST({1} AS INTEGER)) AS {T0})
width_bucket 2 bigint len(list_filter({1}, lambda e: e <= {0}))
width_bucket 4 bigint trino.width_bucket({0}, {1}, {2}, {3})
bitwise_and 2 bigint ({0} & {1})
bitwise_or 2 bigint ({0} | {1})
bitwise_xor 2 bigint xor({0}, {1})
bitwise_not 1 bigint (~CAST({0} AS BIGINT))
to_base 2 varchar trino.to_base({0}, {1})
from_base 2 bigint trino.from_base({0}, {1})
chr 1 varchar chr(CAST({0} AS INTEGER))
codepoint 1 integer unicode({0})
concat_ws 1+ varchar trino.concat_ws_list({0}, [{*1}])
hamming_distance 2 bigint hamming({0}, {1})
levenshtein_distance 2 bigint levenshtein({0}, {1})
lower 1 varchar lower({0})
normalize 1 varchar nfc_normalize({0})
lpad 3 varchar trino.pad_left({0}, {1}, {2})
ltrim 1 varchar trino.ltrim({0})
ltrim 2 varchar system.main.ltrim({0}, {1})
replace 2-3 varchar trino.replace({*})
rpad 3 varchar trino.pad_right({0}, {1}, {2})
rtrim 1 varchar trino.rtrim({0})
rtrim 2 varchar system.main.rtrim({0}, {1})
split 2 [varchar] string_split({0}, {1})
split 3 [varchar] trino.split_most({0}, {1}, {2})
split_part 3 varchar trino.split_part({0}, {1}, {2})
split_to_map 3 map(varchar,varchar) trino.split_to_map({0}, {1}, {2})
split_to_multimap 3 map(varchar,[varchar]) trino.split_to_multimap({0}, {1}, {2})
starts_with 2 boolean starts_with({0}, {1})
strpos 2 bigint strpos({0}, {1})
strpos 3 bigint trino.strpos_nth({0}, {1}, {2})
position 2 bigint strpos({1}, {0})
substr 2-3 varchar trino.substr({*})
substring 2-3 varchar trino.substr({*})
translate 3 varchar translate({0}, {1}, {2})
trim 1 varchar trino.trim({0})
upper 1 varchar upper({0})
url_decode 1 varchar trino.url_decode({0})
url_encode 1 varchar trino.url_encode({0})
url_extract_fragment 1 varchar trino.url_text({0}, 6)
url_extract_host 1 varchar trino.url_text({0}, 2)
url_extract_parameter 2 varchar trino.url_parameter({0}, {1})
url_extract_path 1 varchar trino.url_text({0}, 4)
url_extract_port 1 bigint CAST(nullif(trino.url_part({0}, 3), '') AS BIGINT)
url_extract_protocol 1 varchar trino.url_text({0}, 1)
url_extract_query 1 varchar trino.url_text({0}, 5)
to_utf8 1 varbinary encode({0})
from_utf8 1 varchar decode({0})
to_hex 1 varchar hex({0})
from_hex 1 varbinary unhex({0})
to_base64 1 varchar to_base64({0})
from_base64 1 varbinary from_base64({0})
to_base64url 1 varchar translate(to_base64({0}), '+/', '-_')
from_base64url 1 varbinary from_base64(translate({0}, '-_', '+/'))
md5 1 varbinary unhex(md5({0}))
sha1 1 varbinary unhex(sha1({0}))
sha256 1 varbinary unhex(sha256({0}))
uuid 0 uuid uuid()
regexp_like 2 boolean regexp_matches({0}, {1})
regexp_extract 2-3 varchar trino.regexp_extract({*})
regexp_extract_all 2 [varchar] regexp_extract_all({0}, {1})
regexp_extract_all 3 [varchar] regexp_extract_all({0}, {1}, CAST({2} AS INTEGER))
regexp_replace 2-3 varchar trino.regexp_replace({*})
regexp_split 2 [varchar] string_split_regex({0}, {1})
regexp_count 2 bigint trino.regexp_count({0}, {1})
regexp_position 2 bigint trino.regexp_position({0}, {1})
json_parse 1 json trino.json_parse({0})
json_format 1 varchar CAST({0} AS VARCHAR)
json_array_length 1 bigint CAST(trino.json_array_length({0}) AS BIGINT)
json_array_get 2 json trino.json_array_get({0}, CAST({1} AS BIGINT))
json_array_contains 2 boolean CASE WHEN {1} IS NOT NULL THEN trino.json_array_contains({0}, to_json({1})) END
is_json_scalar 1 boolean trino.is_json_scalar({0})
cardinality 1 bigint cardinality({0})
contains_sequence 2 boolean trino.contains_sequence({0}, {1})
contains 2 boolean trino.contains({0}, {1})
array_distinct 1 @0 trino.array_distinct({0})
array_except 2 @0 trino.array_except({0}, {1})
array_intersect 2 @0 trino.array_intersect({0}, {1})
array_max 1 @e0 trino.array_max({0})
array_min 1 @e0 trino.array_min({0})
array_position 2 bigint trino.array_position({0}, {1})
array_remove 2 @0 trino.array_remove({0}, {1})
array_union 2 @0 trino.array_union({0}, {1})
arrays_overlap 2 boolean trino.arrays_overlap({0}, {1})
flatten 1 @e0 flatten({0})
repeat 2 [@0] list_transform(range(CAST({1} AS BIGINT)), lambda _: {0})
slice 3 @0 trino.slice({0}, {1}, {2})
trim_array 2 @0 trino.trim_array({0}, {1})
map_keys 1 [k0] map_keys({0})
map_values 1 [v0] map_values({0})
map_entries 1 entries0 map_entries({0})
now 0 timestamptz now()
current_timezone 0 varchar 'UTC'
from_iso8601_date 1 date trino.iso_day({0})
from_iso8601_timestamp 1 timestamptz trino.iso_timestamp({0})
from_iso8601_timestamp_nanos 1 timestamptz trino.iso_timestamp({0})
from_unixtime 1 timestamptz trino.from_unixtime({0})
to_milliseconds 1 bigint trino.duration_ms({0})
human_readable_seconds 1 varchar trino.human_readable_seconds({0})
"""
_AGGREGATES = r"""
any_value 1 @0 any_value({0})
approx_distinct 1-2 bigint count(DISTINCT {0})
approx_percentile 2 @0 quantile_disc({0}, {1})
arbitrary 1 @0 any_value({0})
array_agg 1 [@0] list({0})
avg 1 avg avg({0})
bool_and 1 boolean bool_and({0})
bool_or 1 boolean bool_or({0})
corr 2 double corr({0}, {1})
count 1 bigint count({0})
count_if 1 bigint count_if({0})
covar_pop 2 double covar_pop({0}, {1})
covar_samp 2 double covar_samp({0}, {1})
every 1 boolean bool_and({0})
geometric_mean 1 double geomean({0})
histogram 1 histogram0 histogram({0})
kurtosis 1 double kurtosis({0})
max 1 @0 max({0})
min 1 @0 min({0})
max_by 2 @0 arg_max_null({0}, {1})
min_by 2 @0 arg_min_null({0}, {1})
max_by 3 [@0] max_by({0}, {1}, {2})
min_by 3 [@0] min_by({0}, {1}, {2})
max 2 [@0] max({0}, {1})
min 2 [@0] min({0}, {1})
regr_intercept 2 double regr_intercept({0}, {1})
regr_slope 2 double regr_slope({0}, {1})
stddev 1 double stddev({0})
stddev_pop 1 double stddev_pop({0})
stddev_samp 1 double stddev_samp({0})
sum 1 sum sum({0})
var_pop 1 double var_pop({0})
var_samp 1 double var_samp({0})
variance 1 double variance({0})
bitwise_and_agg 1 bigint bit_and({0})
bitwise_or_agg 1 bigint bit_or({0})
"""
_WINDOWS = r"""
row_number 0 bigint row_number()
rank 0 bigint rank()
dense_rank 0 bigint dense_rank()
percent_rank 0 double percent_rank()
cume_dist 0 double cume_dist()
ntile 1 bigint ntile({0})
lag 1-3 @0 lag({*})
lead 1-3 @0 lead({*})
first_value 1 @0 first_value({0})
last_value 1 @0 last_value({0})
nth_value 2 @0 nth_value({0}, {1})
"""


OTHER_NAMES = {
    "array_contains": "contains(array, value)", "array_size": "cardinality(array)", "charindex": "strpos(text, part)",
    "collect_list": "array_agg(x)", "collect_set": "array_agg(DISTINCT x)", "convert_timezone": "x AT TIME ZONE 'UTC'",
    "dateadd": "date_add('day', -7, x)", "datediff": "date_diff('day', a, b)", "date_sub": "date_add('day', -7, x)",
    "endswith": "x LIKE '%end'", "ends_with": "x LIKE '%end'", "explode": "CROSS JOIN UNNEST(x) AS t(y)",
    "get_json_object": "json_extract_scalar(x, '$.key')", "getdate": "now()",
    "group_concat": "array_join(array_agg(x), ',')",
    "ifnull": "coalesce(x, y)", "iff": "if(condition, x, y)", "instr": "strpos(text, part)", "isnull": "x IS NULL",
    "json_extract_path_text": "json_extract_scalar(x, '$.key')",
    "json_extract_string": "json_extract_scalar(x, '$.key')",
    "len": "length(x)", "list_contains": "contains(array, value)", "nvl": "coalesce(x, y)",
    "regexp_matches": "regexp_like(x, pattern)", "regexp_substr": "regexp_extract(x, pattern)",
    "size": "cardinality(x)", "startswith": "starts_with(x, 'begin')", "str_to_date": "date_parse(x, '%Y-%m-%d')",
    "strftime": "date_format(x, '%Y-%m-%d')", "string_agg": "array_join(array_agg(x), ',')",
    "strptime": "date_parse(x, '%Y-%m-%d')", "substring_index": "split_part(x, ',', 1)", "sysdate": "now()",
    "to_char": "date_format(x, '%Y-%m-%d')", "to_date": "date(x), date_parse(x, '%Y-%m-%d')",
    "to_json": "CAST(x AS json)", "to_timestamp": "from_iso8601_timestamp(x), date_parse(x, '%Y-%m-%d %H:%i:%s')",
    "unix_timestamp": "to_unixtime(now())", "unnest": "CROSS JOIN UNNEST(x) AS t(y)",
}  # fmt: skip
"""Functions of other databases, and what Trino has for them."""


@dataclass(frozen=True, slots=True)
class Function:
    """
    One form of a function.

    Args:
        name: Trino's.
        least, most: Arguments it takes; -1 for any number.
        returns: The type that comes out, where `@0` is that of the first argument, `@e0` of its elements and so on.
        template: SQL of DuckDB with the arguments in braces.
        kind: scalar, aggregate or window.
    """

    name: str
    least: int
    most: int
    returns: str
    template: str
    kind: str

    def sql(self, arguments: Sequence[str], types: Sequence[Type]) -> str:
        text = self.template.replace("{*1}", ", ".join(arguments[1:])).replace("{*}", ", ".join(arguments))
        for place, argument in enumerate(arguments):
            text = text.replace(f"{{{place}}}", argument).replace(f"{{T{place}}}", t.duckdb_name(types[place]))
        return text

    def type(self, arguments: Sequence[Type]) -> Type:
        first = arguments[0] if arguments else t.UNKNOWN
        return _returned(self.returns, first, arguments)


def _returned(text: str, first: Type, arguments: Sequence[Type]) -> Type:
    if text.startswith("["):
        return t.array_of(_returned(text[1:-1], first, arguments))
    match text:
        case "@0":
            return first
        case "@i0":
            return first if first.kind != "decimal" else t.decimal_of(first.precision - first.scale + 1, 0)
        case "@e0":
            return first.element
        case "k0":
            return first.key
        case "v0":
            return first.value
        case "common":
            return t.arithmetic("%", arguments[0], arguments[1])
        case "entries0":
            return t.array_of(t.row_of(("key", first.key), ("value", first.value)))
        case "histogram0":
            return t.map_of(first, t.BIGINT)
        case "sum":
            return t.BIGINT if first.kind in t.INTEGERS else first if first.kind == "decimal" else t.DOUBLE
        case "avg":
            return first if first.kind in {"decimal", "interval"} else t.DOUBLE
        case "map(varchar,varchar)":
            return t.map_of(t.VARCHAR, t.VARCHAR)
        case "map(varchar,[varchar])":
            return t.map_of(t.VARCHAR, t.array_of(t.VARCHAR))
    return Type(text)


def _read(text: str, kind: str) -> list[Function]:
    found = []
    for line in text.strip().splitlines():
        name, arity, returns, template = line.split(" ", 3)
        least, _, most = arity.partition("-")
        if arity.endswith("+"):
            least, most = arity[:-1], "-1"
        found.append(Function(name, int(least), int(most or least), returns, template, kind))
    return found


FUNCTIONS: dict[str, list[Function]] = {}
for _each in (*_read(_SCALARS, "scalar"), *_read(_AGGREGATES, "aggregate"), *_read(_WINDOWS, "window")):
    FUNCTIONS.setdefault(_each.name, []).append(_each)


def find(name: str, arguments: int) -> Function | None:
    """The form of a function that takes so many arguments."""
    for each in FUNCTIONS.get(name, ()):
        if each.least <= arguments and (each.most < 0 or arguments <= each.most):
            return each
    return None
