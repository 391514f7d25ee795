"""What may be said of text files, and each slip of the pen."""

import pytest

from lib.errors import ConfigError
from lib.sources.files import escape_pattern, is_place, split_paths
from lib.sources.options import Options, read_options


@pytest.mark.parametrize(("text", "options"), [
    ("sep=';'", Options(sep=";")), ("sep=tab", Options(sep="\t")), ("sep='\\t'", Options(sep="\t")),
    ("encoding=CP1252,decimal=','", Options(encoding="cp1252", decimal=",")),
    ("encoding=UTF8", Options(encoding="utf-8")), ("quote=none", Options(quote="")),
    ("escape='\\'", Options(escape="\\")), ("line_sep=crlf", Options(line_sep="\r\n")),
    ("header=FALSE,names='a, b'", Options(header=False, names=("a", "b"))),
    ("null_value='\\N'", Options(null_value="\\N")),
    ("comment='#'", Options(comment="#")), ("", Options()),
])  # fmt: skip
def test_options_are_read(text, options):
    assert read_options(text) == options


@pytest.mark.parametrize(("text", "message"), [
    ("seperator=x", "event_options has 'seperator', which is none of sep, encoding, quote, escape, comment, line_sep, "
     "header, names, null_value, decimal. Leave it out."),
    ("sep=ab", "event_options: sep must be one character, or tab, got 'ab'."),
    ("encoding=klingon", "event_options: encoding must be an encoding like cp1252 or UTF-16, got 'klingon'."),
    ("encoding=shift_jis", "event_options: encoding=shift_jis cannot be read here: it is neither a Unicode form nor "
     "one byte for each character. Write the files in UTF-8."),
    ("header=false", "event_options has header=false and no names. Name the columns: names='user_id,event_time,...'."),
    ("header=yes", "event_options: header must be true or false, got 'yes'."),
    ("names='a,A'", "event_options: names must be different names with commas, in quotes, got 'a,A'."),
    ("line_sep=;", "event_options: line_sep must be \\n, \\r\\n or \\r, got ';'."),
    ("decimal=;", "event_options: decimal must be '.' or ',', got ';'."),
    ("sep", "event_options must read like sep=';',encoding=cp1252; this part does not: 'sep'."),
])  # fmt: skip
def test_a_slip_of_the_pen_is_named(text, message):
    with pytest.raises(ConfigError) as caught:
        read_options(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("events", "paths"), [
    ("shop.events", ["shop.events"]), ("a.csv", ["a.csv"]),
    ("/a/b.csv,/c/d.csv", ["/a/b.csv", "/c/d.csv"]),
    ("a.csv, b.csv", ["a.csv", "b.csv"]), ("/d/{a,b}.csv", ["/d/{a,b}.csv"]), ("/d/June, 2024", ["/d/June, 2024"])
])  # fmt: skip
def test_commas_part_places_and_nothing_else(events, paths):
    assert split_paths(events) == paths


@pytest.mark.parametrize(("events", "place"), [
    ("shop.events", False), ("shop.csv_events", False), ("main.shop.parquet_log", False), ("a.csv", True),
    ("a.CSV.gz", True), ("a.jsonl", True), ("s3://b/x", True), ("/d", True), ("a.csv,b.csv", True),
])  # fmt: skip
def test_a_table_is_no_place(events, place):
    assert is_place(events) is place


def test_signs_of_patterns_can_stand_for_themselves():
    assert escape_pattern("/my [1] {a}*?.csv") == "/my \\[1\\] \\{a\\}\\*\\?.csv"
