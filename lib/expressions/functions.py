"""The list of functions, as data: nothing that is not in it can be called. docs/expressions.md shows it.

Times are UTC. A conversion that fails on a row gives null there, so that the row can be counted; so does a time outside
the years 1 to 9999. Renderings name an argument as seldom as can be.
"""

from lib.expressions import letters
from lib.expressions.kinds import Kind
from lib.expressions.literals import INNER_YEAR, OFFSET, YEAR, quoted
from lib.expressions.signature import Signature

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # microseconds: the years 1 to 9999
_DAY = quoted(rf"^ *({YEAR}-[0-9][0-9]-[0-9][0-9]) *\z")
_CLOCK = r"([01][0-9]|2[0-3]):[0-9][0-9](:[0-9][0-9]([.][0-9]+)?)?"
_REST = "-[0-9][0-9]-[0-9][0-9]"
_TIME = quoted(rf"^ *({YEAR}{_REST}([ T]{_CLOCK})?|{INNER_YEAR}{_REST}[ T]{_CLOCK}{OFFSET}) *\z")
_WHOLE = quoted(r"^ *([+-]?[0-9]+) *\z")
_NUMBER = quoted(r"^ *([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?) *\z")
_CAPITAL, _SMALL = quoted(letters.CAPITAL), quoted(letters.SMALL)
_ODD_CAPITAL, _ODD_SMALL = quoted(letters.ODD_CAPITAL), quoted(letters.ODD_SMALL)


def _alike(name: str, takes: tuple[str, ...], gives: Kind | None, does: str, sql: str) -> Signature:
    return Signature(name, takes, gives, does, sql, sql)


def _cased(name: str, odd: str, these: str, those: str) -> str:
    """DuckDB's own function where it does what TRANSLATE does, which takes a hundred times as long there."""
    return f"CASE WHEN REGEXP_MATCHES({{0}}, {odd}) THEN TRANSLATE({{0}}, {these}, {those}) ELSE {name}({{0}}) END"


def _epoch(name: str, factor: int, unit: str) -> Signature:
    bound = f"CASE WHEN {{0}} BETWEEN {-(-FIRST // factor)} AND {LAST // factor} THEN "
    micros = f"{{0}} * {factor}" if factor > 1 else "{0}"
    return Signature(
        name, ("whole",), Kind.TIME, f"the time so many {unit} after 1970 began, in UTC",
        f"{bound}TIMESTAMP_MICROS({micros}) END", f"{bound}MAKE_TIMESTAMP({micros}) END",
    )  # fmt: skip


def _rounded(name: str, to: str, does: str) -> Signature:
    """A double as whole number: Spark would take the nearest possible for what is too large, and 0 for NaN."""
    sql = f"CASE WHEN {{0}} >= -9223372036854775808 AND {{0}} < 9223372036854775808 THEN CAST({to} AS BIGINT) END"
    return Signature(name, ("number",), Kind.INT, does, sql.replace("TRUNC({0})", "{0}"), sql)


# A field of JSON, read strictly by both. Brackets around it make Spark refuse what follows an object; DuckDB also reads
# NaN, commas at the end and keys that stand twice, which are looked for outside of the texts.
_SPARK_FIELD = "TRY_VARIANT_GET(TRY_PARSE_JSON('[' || {{0}} || ']'), {{path}}, '{kind}')"
_LAX = "'(?i)nan|inf|[,]\\s*[\\x5d\\x7d]'"
_BARE = "REGEXP_REPLACE(j, '\"(?:[^\"\\\\]|\\\\.)*\"', '\"\"', 'g')"
_DUCKDB_FIELD = (
    "LIST_TRANSFORM(['[' || {{0}} || ']'], LAMBDA j: CASE WHEN JSON_VALID(j) THEN "
    f"CASE WHEN CASE WHEN REGEXP_MATCHES(j, {_LAX}) THEN NOT REGEXP_MATCHES({_BARE}, {_LAX}) ELSE TRUE END THEN "
    "CASE WHEN COALESCE(LEN(JSON_KEYS(j, '$[0]')) = LEN(LIST_DISTINCT(JSON_KEYS(j, '$[0]'))), TRUE) THEN "
    "CASE JSON_TYPE(j, {{path}}) {cases} END END END END)[1]"
)
_DUCKDB_VALUE = "JSON_EXTRACT_STRING(j, {path})"


def _json(name: str, gives: Kind, does: str, schemas: str, spark: str, cases: str) -> Signature:
    kind = _SPARK_FIELD.format(kind="variant")
    value = _SPARK_FIELD.format(kind=spark)
    return Signature(
        name, ("text", "'json path'"), gives, does,
        f"CASE WHEN SCHEMA_OF_VARIANT({kind}) RLIKE '{schemas}' THEN {value} END", _DUCKDB_FIELD.format(cases=cases),
    )  # fmt: skip


def _decimal(scale: int) -> str:
    return f"CAST(ROUND(TRY_CAST(CAST({{0}} AS VARCHAR) AS DECIMAL(38, {scale})), {{digits}}) AS VARCHAR)"


# Spark rounds by a number's shortest text. DuckDB's decimals of 30 places hold what is below 1e8, those of 18 the rest.
_ROUND = f"COALESCE(CAST({_decimal(30)} AS DOUBLE), CAST({_decimal(18)} AS DOUBLE), {{0}})"
_MICROS = f"CASE WHEN {{0}} BETWEEN {FIRST // 10**6} AND {LAST // 10**6} THEN "
_SECONDS = "CAST(FLOOR({0} * 1000000 + CAST(0.5 AS DOUBLE)) AS BIGINT)"
_PARSED = "TRY_STRPTIME(REGEXP_EXTRACT({0}, {guard}, 0), {format})"
_PARSED_OFFSET = "TRY_STRPTIME(REGEXP_REPLACE(REGEXP_EXTRACT({0}, {guard}, 0), 'Z$', '+00:00'), {format})"
_SPARK_PARSED = "TRY_TO_TIMESTAMP(REGEXP_EXTRACT({0}, {guard}, 0), {format})"
# As Spark does it in the hour that comes twice: the first time counts; in the hour that is left out, on by the gap.
_EARLIER = "(((l - INTERVAL 1 HOUR) AT TIME ZONE {zone}) + INTERVAL 1 HOUR)"
_INSIDE = "BETWEEN TIMESTAMP '0001-01-02 00:00:00' AND TIMESTAMP '9999-12-30 00:00:00'"  # by a day: zones move times
_FROM_ZONE = (
    f"LIST_TRANSFORM([{{0}}], LAMBDA l: CASE WHEN l {_INSIDE} THEN "
    f"CAST(CASE WHEN ({_EARLIER} AT TIME ZONE {{zone}}) = l "
    f"THEN LEAST({_EARLIER}, l AT TIME ZONE {{zone}}) ELSE l AT TIME ZONE {{zone}} END AS TIMESTAMP) END)[1]"
)
_TEXT_OF = (
    "CASE WHEN ABS({{0}}) < {{limit}} THEN CAST(CAST(CAST(ROUND({rounded} * {{scale}}) AS BIGINT) AS DECIMAL(18, 0)) "
    "* CAST('{{unit}}' AS DECIMAL(7, {{digits}})) AS {text}) END"
)
TIMES = (
    _epoch("timestamp_seconds", 10**6, "seconds"),
    Signature(
        "timestamp_seconds", ("number",), Kind.TIME, "the same of a number with a fraction, to the microsecond",
        f"{_MICROS}TIMESTAMP_MICROS({_SECONDS}) END", f"{_MICROS}MAKE_TIMESTAMP({_SECONDS}) END",
    ),
    _epoch("timestamp_millis", 10**3, "milliseconds"),
    _epoch("timestamp_micros", 1, "microseconds"),
    Signature(
        "parse_time", ("text", "'time pattern'"), Kind.TIME, "a time as the pattern says, to the letter; its clock is "
        "taken for UTC: from_zone(…) says otherwise", _SPARK_PARSED, _PARSED,
    ),
    Signature(
        "parse_time", ("text", "'time pattern with XXX'"), Kind.TIME, "a time with its offset: XXX is like +02:00, XX "
        "like +0200, both also Z",
        _SPARK_PARSED, f"CAST({_PARSED_OFFSET} AS TIMESTAMP)",
    ),
    Signature(
        "to_time", ("text",), Kind.TIME, "a text like 2024-06-01, 2024-06-01 10:00 or 2024-06-01T10:00:00.5+02:00",
        f"TRY_CAST(REGEXP_EXTRACT({{0}}, {_TIME}, 1) AS TIMESTAMP)",
        f"CAST(TRY_CAST(REGEXP_EXTRACT({{0}}, {_TIME}, 1) AS TIMESTAMPTZ) AS TIMESTAMP)",
    ),
    _alike("to_time", ("time",), Kind.TIME, "a time as it is, a date as its midnight in UTC", "{0}"),
    _alike("date", ("time",), Kind.DAY, "the UTC day of a time", "CAST({0} AS DATE)"),
    _alike(
        "date", ("text",), Kind.DAY, "a text like 2024-06-01", f"TRY_CAST(REGEXP_EXTRACT({{0}}, {_DAY}, 1) AS DATE)",
    ),
    Signature(
        "to_zone", ("time", "'zone'"), Kind.TIME, "the clock of a zone at that time, as if it were UTC",
        f"CASE WHEN {{0}} {_INSIDE} THEN FROM_UTC_TIMESTAMP({{0}}, {{zone}}) END",
        f"CASE WHEN {{0}} {_INSIDE} THEN ({{0}} AT TIME ZONE 'UTC') AT TIME ZONE {{zone}} END",
    ),
    Signature(
        "from_zone", ("time", "'zone'"), Kind.TIME, "the time at which the clock of a zone showed this; the first, "
        "where it did so twice", f"CASE WHEN {{0}} {_INSIDE} THEN TO_UTC_TIMESTAMP({{0}}, {{zone}}) END", _FROM_ZONE,
    ),
    _alike("year", ("time",), Kind.INT, "the year, in UTC", "CAST(YEAR({0}) AS BIGINT)"),
    _alike("month", ("time",), Kind.INT, "1 to 12, in UTC", "CAST(MONTH({0}) AS BIGINT)"),
    _alike("day", ("time",), Kind.INT, "the day of the month, in UTC", "CAST(DAY({0}) AS BIGINT)"),
    _alike("hour", ("time",), Kind.INT, "0 to 23, in UTC", "CAST(HOUR({0}) AS BIGINT)"),
    Signature(
        "weekday", ("time",), Kind.INT, "1 for Monday to 7 for Sunday, in UTC",
        "CAST(WEEKDAY({0}) + 1 AS BIGINT)", "CAST(ISODOW({0}) AS BIGINT)",
    ),
)  # fmt: skip
TEXTS = (
    Signature(
        "lower", ("text",), Kind.TEXT, "small letters, of the Latin, Greek and Cyrillic alphabets",
        f"TRANSLATE({{0}}, {_CAPITAL}, {_SMALL})", _cased("LOWER", _ODD_CAPITAL, _CAPITAL, _SMALL),
    ),
    Signature(
        "upper", ("text",), Kind.TEXT, "capital letters of the same alphabets; ß stays",
        f"TRANSLATE({{0}}, {_SMALL}, {_CAPITAL})", _cased("UPPER", _ODD_SMALL, _SMALL, _CAPITAL),
    ),
    Signature(
        "trim", ("text",), Kind.TEXT, "without the blanks at both ends; blanks alone, no tabs", "TRIM({0})",
        "TRIM({0}, ' ')",
    ),
    _alike("length", ("text",), Kind.INT, "how many characters", "CAST(LENGTH({0}) AS BIGINT)"),
    _alike("concat", ("text", "..."), Kind.TEXT, "one after the other; null if any is, as with ||", "({concat})"),
    _alike("substring", ("text", "'start'"), Kind.TEXT, "from a character on; the first is 1",
           "SUBSTRING({0}, {start})"),
    _alike("substring", ("text", "'start'", "'length'"), Kind.TEXT, "and so many of them",
           "SUBSTRING({0}, {start}, {length})"),
    _alike("replace", ("text", "'part'", "text"), Kind.TEXT, "another text wherever the part stands",
           "REPLACE({0}, {part}, {2})"),
    _alike("split_part", ("text", "'part'", "'place'"), Kind.TEXT, "the first, second … of what the part parts; empty "
           "beyond the last", "SPLIT_PART({0}, {part}, {place})"),
    _alike("contains", ("text", "text"), Kind.BOOL, "whether the second stands in the first",
           "CONTAINS({0}, {1})"),
    Signature("starts_with", ("text", "text"), Kind.BOOL, "whether the first begins with the second",
              "STARTSWITH({0}, {1})", "STARTS_WITH({0}, {1})"),
    Signature("ends_with", ("text", "text"), Kind.BOOL, "whether the first ends with the second",
              "ENDSWITH({0}, {1})", "ENDS_WITH({0}, {1})"),
    Signature("regexp_like", ("text", "'regular expression'"), Kind.BOOL, "whether it fits anywhere",
              "({0} RLIKE {regex})", "REGEXP_MATCHES({0}, {regex})"),
    _alike("regexp_extract", ("text", "'regular expression'", "'group'"), Kind.TEXT, "what the group stands for where "
           "it first fits, 0 for all of it; null where it does not, or where that is empty",
           "NULLIF(REGEXP_EXTRACT({0}, {regex}, {group}), '')"),
)  # fmt: skip
NUMBERS = (
    Signature("abs", ("whole",), Kind.INT, "without its sign",
              "TRY_CAST(ABS(CAST({0} AS DECIMAL(20, 0))) AS BIGINT)", "TRY_CAST(ABS(CAST({0} AS HUGEINT)) AS BIGINT)"),
    _alike("abs", ("number",), Kind.NUMBER, "without its sign", "ABS({0})"),
    _alike("round", ("whole", "'digits'"), Kind.INT, "a whole number, as it is", "{0}"),
    Signature("round", ("number", "'digits'"), Kind.NUMBER, "to so many places; a half goes away from 0, by how the "
              "number is written: 1.005 is 1.01", "ROUND({0}, {digits})", _ROUND),
    _rounded("floor", "FLOOR({0})", "the whole number at or below; null beyond 63 bits"),
    _rounded("ceil", "CEIL({0})", "the whole number at or above; null beyond 63 bits"),
)  # fmt: skip
CHOICES = (
    _alike("coalesce", ("any", "any", "..."), None, "the first that is not null", "COALESCE({all})"),
    _alike("nullif", ("any", "any"), None, "the first; null where both are the same", "NULLIF({0}, {1})"),
    _alike("if", ("condition", "any", "any"), None, "the second where the condition holds, else the third",
           "CASE WHEN {0} THEN {1} ELSE {2} END"),
    _alike("least", ("any", "any", "..."), None, "the least that is not null; null if all are", "LEAST({all})"),
    _alike("greatest", ("any", "any", "..."), None, "the greatest that is not null", "GREATEST({all})"),
)  # fmt: skip
CASTS = (
    _alike("to_int", ("whole",), Kind.INT, "as it is", "{0}"),
    _rounded("to_int", "TRUNC({0})", "cut towards 0: 3.7 is 3, -3.7 is -3; null beyond 63 bits"),
    _alike("to_int", ("text",), Kind.INT, "a text of digits, with a sign and outer blanks at most",
           f"TRY_CAST(REGEXP_EXTRACT({{0}}, {_WHOLE}, 1) AS BIGINT)"),
    _alike("to_number", ("number",), Kind.NUMBER, "as a number", "{0}"),
    _alike("to_number", ("text",), Kind.NUMBER, "a text like 12, -0.5, .5 or 1e3; no commas, no NaN",
           f"TRY_CAST(REGEXP_EXTRACT({{0}}, {_NUMBER}, 1) AS DOUBLE)"),
    _alike("to_text", ("text",), Kind.TEXT, "as it is", "{0}"),
    Signature("to_text", ("whole",), Kind.TEXT, "its digits", "CAST({0} AS STRING)", "CAST({0} AS VARCHAR)"),
    Signature("to_text", ("decimal",), Kind.TEXT, "a decimal column with all its digits",
              "CAST({0} AS STRING)", "CAST({0} AS VARCHAR)"),
    Signature("to_text", ("condition",), Kind.TEXT, "true or false", "CAST({0} AS STRING)", "CAST({0} AS VARCHAR)"),
    Signature("to_text", ("date",), Kind.TEXT, "like 2024-06-01", "CAST({0} AS STRING)", "CAST({0} AS VARCHAR)"),
    Signature("to_text", ("number", "'digits'"), Kind.TEXT, "rounded to so many places, all of them written; null "
              "beyond 15 digits in all", _TEXT_OF.format(rounded="ROUND({0}, {digits})", text="STRING"),
              _TEXT_OF.format(rounded=_ROUND, text="VARCHAR")),
)  # fmt: skip
JSON = (
    _json("json_text", Kind.TEXT, "a text, a whole number or true/false in a text of JSON; null for anything else",
          "^(STRING|BIGINT|BOOLEAN)$", "string",
          f"WHEN 'VARCHAR' THEN {_DUCKDB_VALUE} WHEN 'BOOLEAN' THEN {_DUCKDB_VALUE} WHEN 'BIGINT' THEN {_DUCKDB_VALUE} "
          f"WHEN 'UBIGINT' THEN CAST(TRY_CAST({_DUCKDB_VALUE} AS BIGINT) AS VARCHAR)"),
    _json("json_number", Kind.NUMBER, "a number in a text of JSON; null for anything else, a text of digits too",
          "^(BIGINT|DECIMAL|DOUBLE)", "double",
          "".join(f"WHEN '{kind}' THEN TRY_CAST({_DUCKDB_VALUE} AS DOUBLE) " for kind in
                  ("BIGINT", "UBIGINT", "DOUBLE"))),
)  # fmt: skip
GROUPS = {
    "Times": TIMES, "Texts": TEXTS, "Numbers": NUMBERS, "Choices": CHOICES, "Conversions": CASTS, "JSON": JSON,
}  # fmt: skip
FUNCTIONS = tuple(signature for group in GROUPS.values() for signature in group)
