-- Macros of the schema `trino`: a name and its arguments at the beginning of a line, its body behind AS.

text_map(j) AS CASE WHEN json_type(j) = 'OBJECT' THEN
    map_from_entries(list_transform(trino.each_key(json_keys(j)), lambda k:
        {'key': k, 'value': json_extract_string(j, '/' || replace(replace(k, '~', '~0'), '/', '~1'))})) END
each_key(l) AS CASE WHEN len(list_distinct(l)) = len(l) THEN l ELSE trino.array_distinct(l) END
struct_map(is_null, keys, vals) AS CASE WHEN NOT is_null THEN map_from_entries(list_filter(list_transform(
    list_zip(keys, vals), lambda p: {'key': p[1], 'value': p[2]}), lambda e: e.value IS NOT NULL)) END
lake_resources(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN list_transform(CAST(j AS JSON[]), lambda r: {
    'accountid': coalesce(r ->> '$.accountId', r ->> '$.accountid'), 'type': r ->> '$.type',
    'arn': coalesce(r ->> '$.ARN', r ->> '$.arn'), 'arnprefix': coalesce(r ->> '$.ARNPrefix', r ->> '$.arnPrefix')}) END
athena_resources(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN list_transform(CAST(j AS JSON[]), lambda r: {
    'arn': coalesce(r ->> '$.ARN', r ->> '$.arn'),
    'accountid': coalesce(r ->> '$.accountId', r ->> '$.accountid'), 'type': r ->> '$.type'}) END
moment(t) AS TRY_CAST(replace(replace(t, 'T', ' '), 'Z', '') AS TIMESTAMP)

-- Numbers
div(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN error('Division by zero') ELSE a // b END
div_decimal(n, d, s) AS CASE WHEN d = 0 AND n IS NOT NULL THEN error('Division by zero')
    ELSE CAST(sign(n) * sign(d) * ((2 * abs(n) + abs(d)) // (2 * abs(d))) AS DOUBLE) / pow(10, s) END
mod(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN error('Division by zero') ELSE a % b END
width_bucket(x, low, high, n) AS CASE WHEN low < high THEN
    CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
        ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END
    ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1
        ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END END
to_base(x, r) AS CASE WHEN x < 0 THEN '-' ELSE '' END || lower(system.main.to_base(abs(x), r))
from_base(x, r) AS CASE WHEN regexp_full_match(x, '-?[0-9A-Za-z]+')
    AND len(list_filter(trino.digits(x), lambda d: d >= r)) = 0
    THEN list_reduce(trino.digits(x), lambda a, b: a * r + b, 0::BIGINT) * CASE WHEN x[1] = '-' THEN -1 ELSE 1 END
    WHEN x IS NOT NULL THEN error('Not a valid base-' || r || ' number: ' || x) END
digits(x) AS list_transform(string_split(lower(ltrim(x, '-')), ''),
    lambda c: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c) - 1 AS BIGINT))
half_up(x) AS CASE WHEN x < 0 THEN -floor(-x + 0.5) ELSE floor(x + 0.5) END

-- Texts
substr(x, a) AS CASE WHEN x IS NULL OR a IS NULL THEN NULL WHEN a = 0 OR abs(a) > length(x) THEN '' ELSE system.main.substr(x, a) END,
    (x, a, n) AS CASE WHEN x IS NULL OR a IS NULL OR n IS NULL THEN NULL WHEN a = 0 OR n <= 0 OR abs(a) > length(x) THEN '' ELSE system.main.substr(x, a, n) END
replace(x, y) AS CASE WHEN y = '' THEN x ELSE system.main.replace(x, y, '') END,
    (x, y, z) AS CASE WHEN y = '' THEN z || regexp_replace(x, '(.)', '\1' || z, 'gs')
    ELSE system.main.replace(x, y, z) END
split_part(x, d, i) AS CASE WHEN x IS NULL OR d IS NULL OR i IS NULL THEN NULL WHEN i <= 0 THEN error('Index must be greater than zero')
    WHEN i > len(string_split(x, d)) THEN NULL ELSE string_split(x, d)[i] END
split_most(x, d, n) AS CASE WHEN x IS NULL OR n IS NULL THEN NULL WHEN len(string_split(x, d)) <= n THEN string_split(x, d) ELSE
    list_append(string_split(x, d)[1:n - 1], array_to_string(string_split(x, d)[n:], d)) END
trim(x) AS regexp_replace(x, '^\s+|\s+$', '', 'g')
ltrim(x) AS regexp_replace(x, '^\s+', '')
rtrim(x) AS regexp_replace(x, '\s+$', '')
strpos_nth(x, y, n) AS CASE WHEN n = 0 THEN error('''instance'' must not be zero')
    WHEN n < 0 THEN CASE WHEN len(string_split(x, y)) <= -n THEN 0
        ELSE length(array_to_string(string_split(x, y)[1:len(string_split(x, y)) + n], y)) + 1 END
    WHEN len(string_split(x, y)) <= n THEN 0
    ELSE length(array_to_string(string_split(x, y)[1:n], y)) + 1 END
pad_left(x, n, p) AS CASE WHEN n < length(x) THEN x[1:n] ELSE lpad(x, CAST(n AS INTEGER), p) END
pad_right(x, n, p) AS CASE WHEN n < length(x) THEN x[1:n] ELSE rpad(x, CAST(n AS INTEGER), p) END
concat_ws_list(s, l) AS CASE WHEN s IS NOT NULL THEN array_to_string(list_filter(l, lambda e: e IS NOT NULL), s) END
url_encode(x) AS replace(replace(replace(system.main.url_encode(x), '%20', '+'), '~', '%7E'), '%2A', '*')
url_decode(x) AS system.main.url_decode(replace(x, '+', '%20'))
url_text(x, g) AS system.main.url_decode(trino.url_part(x, g))
url_part(x, g) AS CASE WHEN regexp_full_match(x, '(?:[^\s<>"{}|\\^`%\[\]]|%[0-9A-Fa-f]{2})*')
    AND regexp_full_match(x, '(?:[A-Za-z][A-Za-z0-9+.-]*:|[^:/?#]*(?:[/?#]|$)).*') THEN coalesce(nullif(regexp_extract(x,
    '^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?([^/?#:]*)(?::(\d*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$', g), ''), '') END
url_parameter(x, name) AS trino.url_decode(trino.url_parameter_raw(x, name))
url_parameter_raw(x, name) AS list_filter(list_transform(string_split(trino.url_part(x, 5), '&'),
    lambda p: [trino.url_decode(string_split(p, '=')[1]), coalesce(array_to_string(string_split(p, '=')[2:], '='), '')]),
    lambda p: p[1] = name)[1][2]
-- Regular expressions: DuckDB's are RE2, Trino's are Java's; both know what RE2 knows
group_names(r) AS regexp_replace(regexp_replace(system.main.replace(r, '\$', chr(1)), '\$(\d)', '\\\1', 'g'),
    chr(1), '$', 'g')
regexp_extract(x, p) AS CASE WHEN regexp_matches(x, p) THEN system.main.regexp_extract(x, p) END,
    (x, p, g) AS CASE WHEN regexp_matches(x, p) THEN system.main.regexp_extract(x, p, CAST(g AS INTEGER)) END
regexp_replace(x, p) AS system.main.regexp_replace(x, p, '', 'g'),
    (x, p, r) AS system.main.regexp_replace(x, p, trino.group_names(r), 'g')
regexp_count(x, p) AS len(regexp_extract_all(x, p))
regexp_position(x, p) AS CASE WHEN x IS NULL OR p IS NULL THEN NULL WHEN regexp_matches(x, p)
    THEN length(system.main.regexp_extract(x, '^((?s:.*?))(?:' || p || ')', 1)) + 1 ELSE -1 END

-- JSON
json_at(x, p) AS CASE WHEN json_valid(x) THEN json_extract(x, p) END
json_scalar_at(x, p) AS CASE WHEN json_valid(x) AND json_type(x, p) NOT IN ('OBJECT', 'ARRAY', 'NULL')
    THEN json_extract_string(x, p) END
json_parse(x) AS CASE WHEN x IS NULL THEN NULL WHEN json_valid(x) THEN json(x)
    ELSE error('Cannot convert value to JSON: ''' || x || '''') END
json_array_get(x, i) AS CASE WHEN json_valid(x) AND json_type(x) = 'ARRAY' AND i >= -CAST(json_array_length(x) AS BIGINT)
    THEN CASE WHEN json_type(x, '$[' || CASE WHEN i < 0 THEN '#' || i ELSE i::VARCHAR END || ']') IN ('VARCHAR', 'NULL')
        THEN trino.bare(json_extract_string(x, '$[' || CASE WHEN i < 0 THEN '#' || i ELSE i::VARCHAR END || ']'))
        ELSE json_extract(x, '$[' || CASE WHEN i < 0 THEN '#' || i ELSE i::VARCHAR END || ']') END END
bare(x) AS to_json(x)
json_array_contains(x, v) AS CASE WHEN json_valid(x) AND json_type(x) = 'ARRAY'
    THEN len(list_filter(CAST(x AS JSON[]), lambda e: e = v)) > 0 END
json_array_length(x) AS CASE WHEN json_valid(x) AND json_type(x) = 'ARRAY' THEN json_array_length(x) END
json_size(x, p) AS CASE WHEN json_valid(x) THEN CASE json_type(x, p) WHEN 'ARRAY' THEN json_array_length(x, p)
    WHEN 'OBJECT' THEN len(json_keys(x, p)) ELSE CASE WHEN json_type(x, p) IS NOT NULL THEN 0 END END END
is_json_scalar(x) AS CASE WHEN NOT json_valid(x) THEN error('Invalid JSON value: ' || x)
    ELSE json_type(x) NOT IN ('OBJECT', 'ARRAY') END
json_bare(j) AS CASE WHEN json_type(j) = 'VARCHAR' THEN json_extract_string(j, '$') ELSE CAST(j AS VARCHAR) END
json_text(j) AS CASE json_type(j) WHEN 'DOUBLE' THEN trino.double_text(CAST(json_extract_string(j, '$') AS DOUBLE))
    WHEN 'OBJECT' THEN error('Cannot cast ''' || j::VARCHAR || ''' to varchar')
    WHEN 'ARRAY' THEN error('Cannot cast ''' || j::VARCHAR || ''' to varchar') ELSE json_extract_string(j, '$') END
json_boolean(j) AS CASE json_type(j) WHEN 'BOOLEAN' THEN json_extract_string(j, '$') = 'true'
    WHEN 'VARCHAR' THEN CAST(json_extract_string(j, '$') AS BOOLEAN) WHEN 'NULL' THEN NULL
    WHEN 'OBJECT' THEN error('Cannot cast to boolean') WHEN 'ARRAY' THEN error('Cannot cast to boolean')
    ELSE CAST(json_extract_string(j, '$') AS DOUBLE) <> 0 END
json_number(j) AS CASE json_type(j) WHEN 'BOOLEAN' THEN CASE WHEN json_extract_string(j, '$') = 'true' THEN '1'
    ELSE '0' END WHEN 'OBJECT' THEN error('Cannot cast to a number') WHEN 'ARRAY' THEN error('Cannot cast to a number')
    ELSE json_extract_string(j, '$') END
member(j, k) AS coalesce(json_extract(j, '/' || replace(replace(k, '~', '~0'), '/', '~1')), json_extract(j, '/' ||
    list_filter(json_keys(j), lambda each: lower(each) = lower(k))[1]))
json_members(j) AS CASE json_type(j) WHEN 'OBJECT' THEN list_transform(trino.each_key(json_keys(j)), lambda k:
    {'key': k, 'value': json_extract(j, '/' || replace(replace(k, '~', '~0'), '/', '~1'))})
    WHEN 'NULL' THEN NULL ELSE error('Cannot cast to a map: ' || j::VARCHAR) END
json_items(j) AS CASE json_type(j) WHEN 'ARRAY' THEN CAST(j AS JSON[]) WHEN 'NULL' THEN NULL
    ELSE error('Cannot cast to an array: ' || j::VARCHAR) END
-- Casts of texts and numbers
whole_number(x) AS CASE WHEN regexp_full_match(x, '[+-]?[0-9]+') THEN CAST(x AS BIGINT)
    WHEN x IS NOT NULL THEN error('Cannot cast ''' || x || ''' to BIGINT') END
truth(x) AS CASE WHEN lower(x) IN ('t', 'true', '1') THEN true WHEN lower(x) IN ('f', 'false', '0') THEN false
    WHEN x IS NOT NULL THEN error('Cannot cast ''' || x || ''' to BOOLEAN') END
text_double(x) AS CASE WHEN lower(ltrim(trim(x), '+-')) IN ('inf', 'infinity', 'nan')
    AND NOT regexp_full_match(trim(x), '[+-]?Infinity|[+-]?NaN') THEN error('Cannot cast ''' || x || ''' to DOUBLE')
    ELSE CAST(x AS DOUBLE) END
double_text(d) AS CASE WHEN isnan(d) THEN 'NaN' WHEN isinf(d) THEN CASE WHEN d > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN d = 0 THEN '0E0' ELSE regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        trino.scientific(d), 'e\+?(-?)0*(\d+)', 'E\1\2'), '(\.\d*?)0+E', '\1E'), '\.E', '.0E'), '^(-?\d)E', '\1.0E') END
scientific(d) AS CASE WHEN CAST(printf('%.15e', d) AS DOUBLE) = d THEN printf('%.15e', d)
    ELSE printf('%.16e', d) END
timestamp_text(t) AS strftime(t, '%Y-%m-%d %H:%M:%S.%g')
timestamptz_text(wall, z) AS strftime(wall, '%Y-%m-%d %H:%M:%S.%g ') || z
iso_zoned(wall, t) AS strftime(wall, '%Y-%m-%dT%H:%M:%S.%g')
    || trino.iso_offset(CAST(epoch(wall - timezone('UTC', t)) AS BIGINT) // 60)
iso_offset(minutes) AS CASE WHEN minutes = 0 THEN 'Z'
    ELSE printf('%s%02d:%02d', CASE WHEN minutes < 0 THEN '-' ELSE '+' END, abs(minutes) // 60, abs(minutes) % 60) END
interval_text(i) AS CASE WHEN i IS NOT NULL THEN printf('%s%d %02d:%02d:%02d.%03d', CASE WHEN epoch(i) < 0 THEN '-' ELSE '' END,
    trino.whole_ms(i) // 86400000, trino.whole_ms(i) // 3600000 % 24, trino.whole_ms(i) // 60000 % 60,
    trino.whole_ms(i) // 1000 % 60, trino.whole_ms(i) % 1000) END
whole_ms(i) AS CAST(abs(epoch(i)) * 1000 AS BIGINT)
months_text(i) AS CASE WHEN datepart('month', i) + 12 * datepart('year', i) < 0 THEN '-' ELSE '' END
    || abs(datepart('year', i)) || '-' || abs(datepart('month', i))
text_timestamp(x) AS CASE WHEN regexp_full_match(x,
        '\s*\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?( ?([A-Z][\w/]+|[+-]\d\d:?\d\d))?)?\s*')
    THEN make_timestamp_ms((epoch_us(CAST(regexp_extract(x, '[-\d]+( [:.\d]+)?') AS TIMESTAMP)) + 500) // 1000)
    WHEN x IS NOT NULL THEN error('Value cannot be cast to timestamp: ' || x) END
text_date(x) AS CASE WHEN regexp_full_match(x, '\s*\d{4,}-\d{1,2}-\d{1,2}\s*') THEN CAST(x AS DATE)
    WHEN x IS NOT NULL THEN error('Value cannot be cast to date: ' || x) END

-- Times
iso_timestamp(x) AS CASE WHEN regexp_full_match(x,
        '\d{4}(-\d{1,2}(-\d{1,2})?)?(T([01]\d|2[0-3])(:\d{2}(:\d{2}([.,]\d+)?)?)?)?([Zz]|[+-]\d{2}(:?\d{2})?)?')
    THEN date_trunc('millisecond', CAST(regexp_replace(regexp_replace(regexp_replace(x, '^(\d{4})(T|$)', '\1-01\2'),
        '^(\d{4}-\d+)(T|$)', '\1-01\2'), '(T\d{2})([Zz+-]|$)', '\1:00\2') AS TIMESTAMPTZ)) WHEN x IS NOT NULL THEN error('Invalid format: "' || x || '"') END
iso_day(x) AS CASE WHEN regexp_full_match(x, '\d{4}(-\d{2}(-\d{2})?)?')
    THEN CAST(CASE length(x) WHEN 4 THEN x || '-01-01' WHEN 7 THEN x || '-01' ELSE x END AS DATE)
    WHEN x IS NOT NULL THEN error('Invalid format: "' || x || '"') END
from_unixtime(n) AS to_timestamp(round(CAST(n AS DOUBLE), 3))
to_unixtime(t) AS epoch_ms(t) / 1000
iso_date(t) AS strftime(t, '%Y-%m-%d')
iso_time(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S.%g')
duration_ms(i) AS CAST(epoch(i) * 1000 AS BIGINT)
human_readable_seconds(s) AS trino.readable_seconds(abs(s))
readable_seconds(s) AS CASE WHEN s IS NULL THEN NULL WHEN round(s) = 0 THEN '0 seconds' ELSE array_to_string(list_filter([
    trino.counted(CAST(round(s) AS BIGINT) // 604800, 'week'),
    trino.counted(CAST(round(s) AS BIGINT) % 604800 // 86400, 'day'),
    trino.counted(CAST(round(s) AS BIGINT) % 86400 // 3600, 'hour'),
    trino.counted(CAST(round(s) AS BIGINT) % 3600 // 60, 'minute'),
    trino.counted(CAST(round(s) AS BIGINT) % 60, 'second')], lambda e: e IS NOT NULL), ', ') END
counted(n, what) AS CASE WHEN n = 1 THEN '1 ' || what WHEN n > 1 THEN n || ' ' || what || 's' END

-- Arrays and maps
contains(l, x) AS CASE WHEN x IS NULL OR l IS NULL THEN NULL WHEN list_contains(l, x) THEN true
    WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END
array_distinct(l) AS list_filter(l, lambda e, i: len(list_filter(l[:i - 1], lambda f: f IS NOT DISTINCT FROM e)) = 0)
array_join(l, s) AS array_to_string(list_filter(l, lambda e: e IS NOT NULL), s),
    (l, s, n) AS array_to_string(list_transform(l, lambda e: coalesce(CAST(e AS VARCHAR), n)), s)
array_max(l) AS CASE WHEN len(list_filter(l, lambda e: e IS NULL)) = 0 THEN list_max(l) END
array_min(l) AS CASE WHEN len(list_filter(l, lambda e: e IS NULL)) = 0 THEN list_min(l) END
array_remove(l, x) AS CASE WHEN x IS NOT NULL THEN list_filter(l, lambda e: e IS NULL OR e <> x) END
array_position(l, x) AS CASE WHEN x IS NOT NULL AND l IS NOT NULL THEN coalesce(list_position(l, x), 0) END
array_union(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN trino.array_distinct(list_concat(a, b)) END
array_intersect(a, b) AS CASE WHEN len(b) > len(a) THEN trino.found_in(b, a) WHEN b IS NOT NULL THEN trino.found_in(a, b) END
found_in(a, b) AS list_filter(trino.array_distinct(a), lambda e: len(list_filter(b, lambda f: f IS NOT DISTINCT FROM e)) > 0)
array_except(a, b) AS CASE WHEN len(b) = 0 THEN a WHEN b IS NOT NULL THEN list_filter(trino.array_distinct(a),
    lambda e: len(list_filter(b, lambda f: f IS NOT DISTINCT FROM e)) = 0) END
arrays_overlap(a, b) AS CASE WHEN list_has_any(list_filter(a, lambda e: e IS NOT NULL),
    list_filter(b, lambda e: e IS NOT NULL)) THEN true
    WHEN len(a) > 0 AND len(b) > 0 AND (len(list_filter(a, lambda e: e IS NULL)) > 0
        OR len(list_filter(b, lambda e: e IS NULL)) > 0) THEN NULL
    WHEN a IS NULL OR b IS NULL THEN NULL ELSE false END
contains_sequence(l, s) AS CASE WHEN l IS NOT NULL THEN len(s) = 0 OR len(list_filter(range(1, len(l) - len(s) + 2),
    lambda i: l[i:i + len(s) - 1] = s)) > 0 END
slice(l, a, n) AS CASE WHEN a = 0 THEN error('SQL array indices start at 1') WHEN n <= 0 OR abs(a) > len(l) THEN l[1:0]
    WHEN a > 0 THEN l[a:a + n - 1] ELSE l[len(l) + a + 1:len(l) + a + n] END
trim_array(l, n) AS CASE WHEN n > len(l) THEN error('size must not exceed array cardinality') ELSE l[1:len(l) - n] END
any_match(l) AS CASE WHEN l IS NULL THEN NULL WHEN len(list_filter(l, lambda e: e)) > 0 THEN true
    WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END
all_match(l) AS CASE WHEN l IS NULL THEN NULL WHEN len(list_filter(l, lambda e: NOT e)) > 0 THEN false
    WHEN len(list_filter(l, lambda e: e IS NULL)) > 0 THEN NULL ELSE true END
none_match(l) AS NOT trino.any_match(l)
at(l, i) AS CASE WHEN i = 0 THEN error('SQL array indices start at 1') ELSE l[i] END
map_of(k, v) AS CASE WHEN len(k) <> len(v) THEN error('Key and value arrays must be the same length')
    WHEN k IS NOT NULL AND v IS NOT NULL THEN map_from_entries(list_transform(range(1, len(k) + 1),
    lambda i: {'key': k[i], 'value': v[i]})) END
first_of_key(l) AS list_filter(l, lambda e, i: len(list_filter(l[:i - 1], lambda f: f.key = e.key)) = 0)
last_of_key(l) AS list_filter(l, lambda e, i: len(list_filter(l[i + 1:], lambda f: f.key = e.key)) = 0)
map_concat(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN map_from_entries(trino.last_of_key(list_concat(map_entries(a), map_entries(b)))) END
split_to_map(x, e, k) AS map_from_entries(trino.key_values(x, e, k))
split_to_multimap(x, e, k) AS trino.multimap_agg(list_transform(trino.key_values(x, e, k), lambda p: p.key),
    list_transform(trino.key_values(x, e, k), lambda p: p.value))
key_values(x, e, k) AS list_transform(list_filter(string_split(x, e), lambda p: p <> ''), lambda p: CASE
    WHEN len(string_split(p, k)) = 2 THEN {'key': string_split(p, k)[1], 'value': string_split(p, k)[2]}
    ELSE error('Key-value delimiter must appear exactly once in each entry. Bad input: ''' || p || '''') END)
pairs(k, v) AS list_filter(list_transform(range(1, len(k) + 1), lambda i: {'key': k[i], 'value': v[i]}),
    lambda e: e.key IS NOT NULL)
map_agg(k, v) AS map_from_entries(trino.first_of_key(trino.pairs(k, v)))
multimap_agg(k, v) AS map_from_entries(list_transform(list_distinct(list_filter(k, lambda e: e IS NOT NULL)),
    lambda d: {'key': d, 'value': list_transform(list_filter(trino.pairs(k, v), lambda e: e.key = d), lambda e: e.value)}))
java_double(d) AS CASE WHEN d = 0 OR (abs(d) >= 0.001 AND abs(d) < 10000000) THEN CAST(d AS VARCHAR)
    ELSE trino.double_text(d) END
sequence(a, b) AS CASE WHEN abs(b - a) >= 10000 THEN error('result of sequence must not have more than 10000 entries')
    WHEN a <= b THEN range(a, b + 1) ELSE range(a, b - 1, -1) END,
    (a, b, s) AS generate_series(a, b, s)
greatest(l) AS CASE WHEN len(list_filter(l, lambda e: e IS NULL)) = 0 THEN list_max(l) END
least(l) AS CASE WHEN len(list_filter(l, lambda e: e IS NULL)) = 0 THEN list_min(l) END
