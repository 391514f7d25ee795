"""What people know from elsewhere: the words of CAST, and functions that are not on the list, with what to write."""

from collections.abc import Mapping

CASTS = {  # the words of CAST(x AS word) -> the function that does it
    **dict.fromkeys(("int", "integer", "bigint", "long"), "to_int"),
    **dict.fromkeys(("number", "double", "float"), "to_number"),
    **dict.fromkeys(("text", "string", "varchar"), "to_text"),
    "date": "date", "timestamp": "to_time",
}  # fmt: skip
_CLOCK = "nothing asks what time it is, or a run could not be repeated"
_CHANCE = "nothing is left to chance, or a run could not be repeated"
_OUTSIDE = "an expression reads the source's columns and nothing else: no files, settings or secrets"
_ROWS = "an expression sees one row of the source"
_REASONS: Mapping[str, tuple[str, ...]] = {
    _CLOCK: ("now", "today", "getdate", "sysdate", "curdate", "unix_timestamp", "age", "transaction_timestamp"),
    _CHANCE: ("rand", "randn", "random", "uuid", "gen_random_uuid", "uniform", "setseed", "randstr", "shuffle",
              "monotonically_increasing_id", "spark_partition_id"),
    _OUTSIDE: ("secret", "try_secret", "getenv", "current_setting", "read_csv", "read_csv_auto", "read_parquet",
               "read_json", "read_text", "read_blob", "read_files", "glob", "input_file_name", "user", "session_user",
               "version", "reflect",
               "java_method", "http_request", "ai_query", "query", "query_table", "which_secret", "duckdb_secrets",
               "pragma_version", "parquet_metadata", "remote_query", "getvariable", "nextval", "ai_gen", "list_secrets",
               "is_member", "is_account_group_member", "raise_error", "error", "assert_true", "sleep"),
    _ROWS: ("sum", "count", "avg", "min", "max", "mean", "median", "stddev", "variance", "first", "last", "any_value",
            "collect_list", "collect_set", "array_agg", "string_agg", "list", "row_number", "rank", "dense_rank",
            "lag", "lead", "ntile", "first_value", "last_value", "explode", "unnest", "posexplode", "exists", "select",
            "values", "approx_count_distinct", "count_if", "mode", "quantile", "percentile", "inline", "stack"),
}  # fmt: skip
INSTEAD: Mapping[str, str] = {
    "ifnull": "coalesce(x, y)", "nvl": "coalesce(x, y)", "isnull": "x IS NULL", "isnotnull": "x IS NOT NULL",
    "iff": "if(x, y, z)", "iif": "if(x, y, z)", "decode": "CASE x WHEN … THEN … END",
    "to_timestamp": "to_time(x), parse_time(x, 'yyyy-MM-dd HH:mm') or timestamp_seconds(x)",
    "try_to_timestamp": "to_time(x) or parse_time(x, 'yyyy-MM-dd HH:mm')",
    "timestamp": "to_time(x)", "to_date": "date(x) or date(parse_time(x, 'dd.MM.yyyy'))",
    "strptime": "parse_time(x, 'dd.MM.yyyy')", "try_strptime": "parse_time(x, 'dd.MM.yyyy')",
    "parse_timestamp": "parse_time(x, 'dd.MM.yyyy')", "parse_date": "date(parse_time(x, 'dd.MM.yyyy'))",
    "from_unixtime": "timestamp_seconds(x)", "epoch_ms": "timestamp_millis(x)", "make_timestamp": "timestamp_micros(x)",
    "unix_seconds": "timestamp_seconds(x), the other way round",
    "from_utc_timestamp": "to_zone(x, 'Europe/Berlin')", "to_utc_timestamp": "from_zone(x, 'Europe/Berlin')",
    "convert_timezone": "from_zone(x, 'Europe/Berlin') or to_zone(x, 'Europe/Berlin')",
    "substr": "substring(x, 1, 3)", "left": "substring(x, 1, 3)", "mid": "substring(x, 1, 3)",
    "right": "regexp_extract(x, '.{3}$', 0)", "len": "length(x)", "char_length": "length(x)", "lcase": "lower(x)",
    "ucase": "upper(x)", "ltrim": "trim(x)", "rtrim": "trim(x)", "btrim": "trim(x)", "concat_ws": "a || ',' || b",
    "split": "split_part(x, ',', 1)", "regexp_replace": "replace(x, 'a', 'b')", "rlike": "regexp_like(x, 'a')",
    "regexp_matches": "regexp_like(x, 'a')", "instr": "contains(x, 'a')", "position": "contains(x, 'a')",
    "startswith": "starts_with(x, 'a')", "endswith": "ends_with(x, 'a')", "like": "x LIKE 'a%'",
    "get_json_object": "json_text(x, '$.a')", "json_extract": "json_text(x, '$.a') or json_number(x, '$.a')",
    "json_extract_string": "json_text(x, '$.a')", "json_value": "json_text(x, '$.a')",
    "from_json": "json_text(x, '$.a')",
    "get": "json_text(x, '$.a')", "element_at": "column.field", "ceiling": "ceil(x)", "trunc": "to_int(x)",
    "truncate": "to_int(x)", "mod": "x % y", "div": "to_int(x / y)", "try_divide": "x / y", "int": "to_int(x)",
    "bigint": "to_int(x)", "double": "to_number(x)", "float": "to_number(x)", "string": "to_text(x)",
    "bround": "round(x, 2)", "dayofweek": "weekday(x)", "dayofmonth": "day(x)", "extract": "hour(x), month(x) …",
    "date_part": "hour(x), month(x) …", "date_trunc": "date(x)", "convert": "to_int(x), to_number(x) or to_text(x)",
    "any": "x IN ('a', 'b')", "some": "x IN ('a', 'b')", "all": "x IN ('a', 'b')", "initcap": "lower(x)",
}  # fmt: skip
_WHY = {name: reason for reason, names in _REASONS.items() for name in names}


def why_not(name: str) -> str | None:
    """Why a function of another engine is not read, and what is read instead; None for a name that nobody knows."""
    if name in INSTEAD:
        return f"write {INSTEAD[name]}"
    if name.startswith(("current_", "local")) and ("date" in name or "time" in name):
        return _CLOCK
    return _OUTSIDE if name.startswith("current_") else _WHY.get(name)
