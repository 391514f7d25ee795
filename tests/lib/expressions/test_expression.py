"""What an expression says of itself, and the values that its rules promise, by DuckDB."""

from datetime import date, datetime

import duckdb
import pyarrow as pa
import pytest

from benchmarks.expression_rows import columns, rows
from lib.expressions.expression import parse
from lib.expressions.functions import FUNCTIONS
from lib.expressions.grammar import WORDS
from lib.expressions.kinds import Kind, MapOf, Struct, from_duckdb, from_spark
from lib.expressions.letters import CAPITAL, SMALL
from lib.expressions.operators import OPERATORS
from tests.builders.expressions import WORKING

at = datetime.fromisoformat
TABLE = rows()
NAMES = columns(TABLE)


@pytest.fixture(scope="module")
def value():
    """What DuckDB gives for an expression without columns."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield lambda text: connection.execute(f"SELECT {parse(text, names={}).duckdb()}").fetchone()[0]


@pytest.mark.parametrize("text", WORKING)
def test_its_canonical_text_reads_as_the_same_expression(text):
    found = parse(text, names=NAMES)
    again = parse(found.canonical, names=NAMES)
    assert (again, again.canonical, again.spark(), again.duckdb()) == (
        found, found.canonical, found.spark(), found.duckdb(),
    )  # fmt: skip


@pytest.mark.parametrize("spellings", [
    ("n+1", " n  +\n1", "(n) + (1)", "((n + 1))", "`n` + 1", '"n"+1', "N + 1"),
    ("n <> 1", "n != 1", "(n<>1)"),
    ("ok AND s='a' AND n>0", "ok and (s = 'a' and n > 0)", "(ok AND s = 'a') AND n > 0"),
    ("cast(digits as int)", "to_int(digits)", "TO_INT(digits)", "try_cast(digits AS bigint)"),
    ("s NOT LIKE 'a%'", "NOT s LIKE 'a%'", "not (s like 'a%')"),
    ("s IS NOT NULL", "NOT s IS NULL"),
    ("t >= '2024-06-01'", "t >= '2024-06-01 00:00'", "t >= '2024-06-01T02:00+02:00'"),
    ("x > 5", "x > 5.0", "x > 50e-1"),
])  # fmt: skip
def test_one_expression_has_one_canonical_text(spellings):
    assert len({parse(one, names=NAMES) for one in spellings}) == 1


@pytest.mark.parametrize("spellings", [
    ("n = 1", "n = 2"), ("s = 'a'", "s = 'A'"), ("n + 1", "n + 1.0"), ("1 - (2 - 3)", "1 - 2 - 3"),
    ("ok OR ok AND FALSE", "(ok OR ok) AND FALSE"), ("s = 'n'", "s = `s`"), ("p.price", "`p`.`odd 'name{}`"),
])  # fmt: skip
def test_other_expressions_have_other_texts(spellings):
    assert len({parse(one, names=NAMES).canonical for one in spellings}) == 2


def test_it_says_what_it_reads_and_gives():
    found = parse("coalesce(p.price, `it's {a}, b` = S AND mixed IS NULL, ok)".replace("p.price, ", ""), names=NAMES)
    assert found.columns == ("Mixed", "it's {a}, b", "ok", "s")
    assert found.kind == Kind.BOOL
    assert parse("'purchase'", names={}).columns == ()


@pytest.mark.parametrize(("text", "words"), [
    ("s = 'a' AND n >= 5 OR NOT ok", "((s is 'a') and (n is at least 5)) or (not ok)"),
    ("s NOT IN ('bot', 'test')", "not (s is one of 'bot', 'test')"),
    ("t BETWEEN '2024-06-01' AND '2024-06-02 12:30'", "t is from 2024-06-01 00:00:00 to 2024-06-02 12:30:00"),
    ("p.price / 100 < 1.5", "(p.price / 100) is below 1.5"),
    ("lower(s) LIKE '%bot%'", "lower(s) reads like '%bot%'"),
    ("p.`odd 'name{}` IS NULL", "p.odd 'name{} is missing"),
])  # fmt: skip
def test_it_can_be_told_to_people(text, words):
    assert parse(text, names=NAMES).words == words


@pytest.mark.parametrize(("text", "expected"), [
    ("7 / 2", 3.5), ("1 / 0", None), ("-7 % 3", -1), ("7 % -3", 1), ("5 % 0", None), ("2 + 3 * 4", 14),
    ("9223372036854775807 + 1", None), ("-9223372036854775808 - 1", None), ("9223372036854775807 * 2", None),
    ("9223372036854775807 + 1.0", 9223372036854775808.0), ("-(-9223372036854775808)", None), ("10 - 4 - 3", 3),
    ("abs(-9223372036854775808)", None), ("'a' || NULL", None), ("'a' || ''", "a"), ("concat('a', 'b', 'c')", "abc"),
    ("'Levi''s'", "Levi's"), ("'{x}\\'", "{x}\\"), ("'' IS NULL", False), ("'a' = 'A'", False), ("'a' LIKE 'A'", False),
    ("'a!b' LIKE 'a!b'", True), ("'50%' LIKE '50\\%'", False), ("'é' LIKE '_'", True), ("'ab' LIKE 'a'", False),
    ("NULL AND FALSE", False), ("NULL OR FALSE", None), ("round(1.005, 2)", 1.01), ("round(-1.005, 2)", -1.01),
    ("round(2.5, 0)", 3.0), ("round(0.0049999999999999996, 2)", 0.0), ("floor(-1.5)", -2), ("ceil(-1.5)", -1),
    ("floor(1e300)", None), ("to_int(3.7)", 3), ("to_int(-3.7)", -3), ("to_int('12.0')", None), ("to_int(' +7 ')", 7),
    ("to_int('1_000')", None), ("to_number('1e3')", 1000.0), ("to_number('1,5')", None), ("to_number('NaN')", None),
    ("to_number('1d')", None), ("to_text(0.125, 2)", "0.13"), ("to_text(5.0, 2)", "5.00"), ("to_text(7)", "7"),
    ("to_text(1e14, 2)", None), ("to_text(TRUE)", "true"), ("to_text(date('2024-06-01'))", "2024-06-01"),
    ("least(NULL, 2, 1)", 1), ("greatest(NULL, 'a', 'b')", "b"), ("coalesce(NULL, '', 'a')", ""),
    ("nullif(1, 1)", None), ("if(NULL, 1, 2)", 2), ("CASE WHEN FALSE THEN 1 END", None),
    ("lower('ÄẞΑΣ İ')", "äẞασ İ"), ("upper('straße äя')", "STRAßE ÄЯ"), ("trim('\t a ')", "\t a"),
    ("length('é😀')", 2), ("substring('abcdef', 2, 3)", "bcd"), ("split_part('a,b', ',', 3)", ""),
    ("regexp_extract('order-17', '-(\\d+)$', 1)", "17"), ("regexp_extract('x', '(\\d+)', 1)", None),
    ("timestamp_seconds(1717236000)", at("2024-06-01T10:00:00")),
    ("timestamp_millis(-1)", at("1969-12-31T23:59:59.999000")),
    ("timestamp_micros(1717236000123456)", at("2024-06-01T10:00:00.123456")),
    ("timestamp_seconds(1717236000.123456)", at("2024-06-01T10:00:00.123456")),
    ("timestamp_seconds(1717236000000)", None), ("timestamp_seconds(253402300799)", at("9999-12-31T23:59:59")),
    ("timestamp_seconds(253402300800)", None), ("timestamp_seconds(-62135596800)", at("0001-01-01T00:00:00")),
    ("timestamp_seconds(-62135596801)", None),
    ("parse_time('01.06.2024 10:00', 'dd.MM.yyyy HH:mm')", at("2024-06-01T10:00:00")),
    ("parse_time('1.6.2024 10:00', 'dd.MM.yyyy HH:mm')", None), ("parse_time('31.02.2024', 'dd.MM.yyyy')", None),
    ("parse_time('1.6.2024', 'd.M.yyyy')", at("2024-06-01T00:00:00")), ("parse_time('01.06.24', 'dd.MM.yyyy')", None),
    ("parse_time('20240601', 'yyyyMMdd')", at("2024-06-01T00:00:00")), ("parse_time('2024061', 'yyyyMMdd')", None),
    ("parse_time('2024-06-01T10:00:00Z', 'yyyy-MM-ddTHH:mm:ssXXX')", at("2024-06-01T10:00:00")),
    ("parse_time('2024-06-01T10:00:00+02:00', 'yyyy-MM-ddTHH:mm:ssXXX')", at("2024-06-01T08:00:00")),
    ("parse_time('2024-06-01 10:00:00 -0330', 'yyyy-MM-dd HH:mm:ss XX')", at("2024-06-01T13:30:00")),
    ("parse_time('2024-06-01 10:00:00 -03:30', 'yyyy-MM-dd HH:mm:ss XX')", None),
    ("parse_time('2024-06-01 10:00:00 Z', 'yyyy-MM-dd HH:mm:ss XX')", at("2024-06-01T10:00:00")),
    ("parse_time('2019-10-01 00:00:00 UTC', 'yyyy-MM-dd HH:mm:ss ''UTC''')", at("2019-10-01T00:00:00")),
    ("parse_time('12/1/2010 8:26', 'M/d/yyyy H:mm')", at("2010-12-01T08:26:00")),
    ("parse_time('Jun 1, 2024 12:05 am', 'MMM d, yyyy hh:mm a')", at("2024-06-01T00:05:00")),
    ("parse_time('2024-06-01 10:00:00.5', 'yyyy-MM-dd HH:mm:ss.SSS')", at("2024-06-01T10:00:00.500000")),
    ("to_time('2024-06-01T10:00:00+02:00')", at("2024-06-01T08:00:00")), ("date('2024-02-29')", date(2024, 2, 29)),
    ("from_zone(to_time('2024-10-27 02:30'), 'Europe/Berlin')", at("2024-10-27T00:30:00")),
    ("from_zone(to_time('2024-03-31 02:30'), 'Europe/Berlin')", at("2024-03-31T01:30:00")),
    ("to_zone(to_time('2024-06-01 22:30'), 'Europe/Berlin')", at("2024-06-02T00:30:00")),
    ("date(to_zone(to_time('2024-06-01 22:30'), 'Europe/Berlin'))", date(2024, 6, 2)),
    ("weekday(date('2024-06-03'))", 1), ("weekday(date('2024-06-09'))", 7), ("hour(to_time('2024-06-01 23:59'))", 23),
    ("json_text('{\"a\":{\"b\":\"x\"}}', '$.a.b')", "x"), ("json_text('{\"a\":5}', '$.a')", "5"),
    ("json_text('{\"a\":1.5}', '$.a')", None), ("json_text('{\"a\":{}}', '$.a')", None),
    ("json_number('{\"a\":1e2}', '$.a')", 100.0), ("json_number('{\"a\":\"1\"}', '$.a')", None),
    ("json_number('{\"a\":1}x', '$.a')", None), ("json_number('{\"a\":NaN,\"b\":1}', '$.b')", None),
    ("json_text('{\"a b\":\"x\"}', '$[''a b'']')", "x"), ("json_text('{\"a\":\"1.10\"}', '$.a')", "1.10"),
])  # fmt: skip
def test_its_rules_give_these_values(value, text, expected):
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("name", "pairs"), [
    ("lower", dict(zip(CAPITAL, SMALL, strict=True))), ("upper", dict(zip(SMALL, CAPITAL, strict=True))),
])  # fmt: skip
def test_no_letter_is_made_small_or_capital_in_duckdb_s_own_way(name, pairs):
    """Spark translates by the pairs alone; each letter stands in the middle, at the end and alone."""
    signs = [chr(code) for code in range(1, 0x1F000) if not 0xD800 <= code < 0xE000]  # no letters beyond
    with duckdb.connect() as connection:
        connection.register("source", pa.table({"sign": signs}))
        sql = parse(f"{name}('a' || sign || 'b' || sign)", names={"sign": "string"}).duckdb()
        found = connection.execute(f"SELECT {sql} FROM source").fetchall()
    wanted = ["".join(pairs.get(each, each) for each in f"a{sign}b{sign}") for sign in signs]
    assert [sign for sign, want, (got,) in zip(signs, wanted, found, strict=True) if got != want] == []


def test_columns_are_told_from_the_types_of_both_engines():
    fields = [("id", "long"), ("p", {"type": "struct", "fields": [{"name": "a b", "type": "double"}]}),
              ("m", {"type": "map", "keyType": "string", "valueType": "integer"}),
              ("l", {"type": "array", "elementType": "string"}), ("d", "decimal(10,2)")]  # fmt: skip
    spark = from_spark({"type": "struct", "fields": [{"name": name, "type": kind} for name, kind in fields]})
    assert spark == {
        "id": "bigint", "p": Struct({"a b": "double"}), "m": MapOf("int"), "l": "array", "d": "decimal(10,2)",
    }  # fmt: skip
    with duckdb.connect() as connection:
        made = connection.sql(
            "SELECT 1::BIGINT AS id, {'a b': 1::DOUBLE} AS p, MAP {'k': 1} AS m, ['x'] AS l, 1::DECIMAL(10, 2) AS d"
        )
        assert from_duckdb(made.columns, made.types) == spark | {"l": "list"}


def test_nothing_that_was_written_reaches_an_engine():
    """Only texts and names do, and these are spelled out."""
    found = parse("s = 'a''; DROP {x} \\' || `it's {a}, b`", names=NAMES)
    assert "CHR(39) || '; DROP ' || CHR(123) || 'x' || CHR(125) || ' ' || CHR(92)" in found.spark()
    assert "`it's {a}, b`" in found.spark()
    assert '"it\'s {a}, b"' in found.duckdb()


def test_each_signature_is_called_by_an_expression_that_must_work():
    said = " ".join(parse(text, names=NAMES).canonical for text in WORKING)
    assert [one.name for one in FUNCTIONS if f"{one.name}(" not in said] == []
    assert len({one.name for one in FUNCTIONS} & {word.lower() for word in WORDS}) == 0
    assert all(one.does and one.call for one in (*OPERATORS, *FUNCTIONS))
