"""CSV as a source: doubled quotes, files that differ in their headers, a backslash before a quote."""

import bz2
import gzip

import pandas as pd
import pytest

from lib.errors import SourceError
from lib.features.source import Reading, standardise
from lib.sources.opening import open_source
from tests.builders.sources import opened


@pytest.fixture
def file(tmp_path):
    return tmp_path / "log.csv"


@pytest.fixture
def folder(tmp_path):
    """Writes files of one folder, by name, and says where it is."""

    def write(**files):
        (tmp_path / "months").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "months" / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return f"{tmp_path}/months"

    return write


def values(frame):
    return sorted(tuple(row) for row in frame.collect())


def test_quotes_are_doubled_and_texts_come_as_they_were_written(tables, file):
    titles = ["Desk lamp", 'Monitor 27", curved', 'Frame 8"x10", black', '"', "two, plain", '",""']
    rows = pd.DataFrame({"user_id": [f"00{n}" for n in range(6)], "title": titles, "event_type": list("abcdef")})
    rows.to_csv(file, index=False)
    assert values(opened(tables.spark, str(file))) == list(rows.itertuples(index=False, name=None))


def test_what_stands_behind_a_quoted_text_is_not_moved(tables, file):
    file.write_text('user_id,title,event_type\n7,"Vinyl 12"" LP, red",view\n8,"",cart\n9,"""""",buy\n')
    rows = [("7", 'Vinyl 12" LP, red', "view"), ("8", None, "cart"), ("9", '""', "buy")]
    assert values(opened(tables.spark, str(file))) == rows


def test_backslashes_elsewhere_stand_for_themselves(tables, file):
    file.write_text('user_id,title\n7,"C:\\dir\\\\x, y"\n8,a\\,\n')
    assert values(opened(tables.spark, str(file)).select("user_id", "title")) == [
        ("7", "C:\\dir\\\\x, y"),
        ("8", "a\\"),
    ]


@pytest.mark.parametrize("larger", [True, False])  # Spark takes the header of the largest file for that of all
@pytest.mark.parametrize(("header", "row", "read"), [
    ("user_id,platform,event_time", "8,web,2024-06-02", ("8", "2024-06-02", "web")),  # a column came, in the middle
    ("event_time,user_id", "2024-06-02,8", ("8", "2024-06-02", None)),  # two changed places
    ("user_id;event_time;platform", "8;2024-06-02;a,b", ("8", "2024-06-02", "a,b")),  # and other separators
    ("User_ID", "8", ("8", None, None)),  # one is gone
])  # fmt: skip
def test_columns_of_a_folder_are_taken_by_their_names(spark, folder, header, row, read, larger):
    more = "7,2024-06-01\n" * (1 if larger else 9)
    events = folder(a="user_id,event_time\n" + more, b=f"\n{header}\n" + f"{row}\n" * (9 if larger else 1), c="")
    columns = ("user_id", "event_time", "platform")
    rows = [tuple(held.get(name) for name in columns) for held in map(as_dict, opened(spark, events).collect())]
    assert set(rows) == {("7", "2024-06-01", None), read}
    assert len(rows) == 10


def as_dict(row):
    return {name.lower(): value for name, value in row.asDict().items() if value is not None}


@pytest.mark.parametrize("header", ["9,2024-06-01", '"user_id,event_time"'])
def test_a_file_of_a_folder_that_has_no_header_is_refused_by_name(spark, folder, header):
    events = folder(a="user_id,event_time\n", b=f"{header}\n" * 9)
    shown = "9, 2024-06-01" if header[0] == "9" else "'user_id,event_time'"
    with pytest.raises(SourceError) as caught:
        opened(spark, events)
    assert str(caught.value) == (
        f"The events {events!r} cannot be read: the first line of {events}/b.csv has {shown}, which names none of the "
        f"columns of {events}/a.csv: user_id, event_time. Nothing was read. Give every file its header, or say what "
        "the columns are: event_options=header=false,names='...'."
    )


def test_headers_that_say_the_same_are_the_same(tables, folder):
    row = "7,2024-06-01\n"
    events = folder(
        a="user_id,event_time\n" + row, b='"user_id","event_time"\r\n' + row, c='user_id,"event_time"\n' + row,
        d="\ufeffuser_id,event_time\n" + row, e="\n \n" + "user_id,event_time\n" + row, f="", g="\n",
        h="user_id,event_time",
    )  # fmt: skip
    assert values(opened(tables.spark, events)) == [("7", "2024-06-01")] * 5


def test_columns_without_a_name_or_with_one_that_stands_twice_are_read(tables, folder):
    events = folder(a=",user_id,x,x\n0,7,a,b\n", b=",user_id,x,x\n1,8,a,b\n")
    assert values(opened(tables.spark, events)) == [("0", "7", "a", "b"), ("1", "8", "a", "b")]


def test_other_encodings_are_refused_until_they_are_said(spark, folder):
    text = "größe,user_id\n1€,müller\n"
    events = folder(a=text.encode("cp1252"))
    message = r"a\.csv is not UTF-8, such as 'gr.*e,user_id'\. Nothing was read\. Say .*event_options=encoding=cp1252"
    with pytest.raises(SourceError, match=message):
        opened(spark, events)
    for encoding in ("cp1252", "utf-8", "utf-16", "utf-16-le", "cp1250", "iso8859-15"):
        events = folder(a=text.encode(encoding))
        assert values(opened(spark, events, f"encoding={encoding}")) == [("1€", "müller")], encoding
    assert values(opened(spark, folder(a=text.encode("utf-16")))) == [("1€", "müller")]  # its first bytes say so


def test_a_byte_that_is_not_utf_8_is_found_in_the_last_row(spark, file):
    file.write_bytes(b"user_id,n\n" + b"u,1\n" * 9999 + b"m\xfcller,2\n")
    with pytest.raises(SourceError, match=r"log\.csv is not UTF-8, such as 'm.ller,2'\. Nothing was read\."):
        opened(spark, file)


BACKSLASHED = "title,event_type\n" + "lamp,view\n" * 9


@pytest.mark.parametrize("line", ['"5\\" disc, red",view', '5\\" disc,view'])
def test_a_backslash_before_a_quote_is_refused_by_file_and_line(spark, folder, line):
    events = folder(a=BACKSLASHED, b=f"{BACKSLASHED}{line}\n{line}\n" + "lamp,view\n" * 9)
    with pytest.raises(SourceError) as caught:
        opened(spark, events)
    assert str(caught.value) == (
        f"The events {events!r} cannot be read: in 2 lines of {events}/b.csv a backslash stands before a quote, such "
        f"as {line}, and it cannot be told whether the quote is part of the text or ends it. Nothing was read. Say "
        "which it is: event_options=escape='\\' where the quote is part of the text, event_options=escape='\"' where "
        "it ends it."
    )


def test_a_backslash_that_can_only_end_its_text_is_read_as_that(spark, file):
    file.write_text(BACKSLASHED + '"C:\\",view\n' + '"{""a"": ""\\""x""}",cart\n')
    assert {("C:\\", "view"), ('{"a": "\\"x"}', "cart")} < set(values(opened(spark, file)))


def test_escape_says_how_a_backslash_is_meant(spark, file):
    file.write_text(BACKSLASHED + '"5\\" disc, red",view\n')
    assert ('5" disc, red', "view") in values(opened(spark, file, "escape='\\'"))


def test_of_a_long_line_only_what_stands_around_the_quote_is_shown(tables, file):
    file.write_text("a,b\n" + "x" * 500 + '\\"' + "y" * 500 + ",view\n")
    with pytest.raises(SourceError, match=r'such as x{30}\\"y{30}, and it'):
        opened(tables.spark, str(file))


def test_names_of_files_are_shown_as_people_write_them(tables, tmp_path):
    (tmp_path / "my log [1].csv").write_text('a,b\n"\\"",view\n')
    (tmp_path / "one.csv").write_text("a,b\n")
    with pytest.raises(SourceError, match=r"in 1 lines of /[^:%]*/my log \[1\]\.csv a backslash"):
        opened(tables.spark, f"{tmp_path}/")


BREAKS = 'user_id,note,event_type\n7,"two\nlines, and a ""quote""",view\n8,plain,cart\n9,"\n",buy\n'
BROKEN = [("7", 'two\nlines, and a "quote"', "view"), ("8", "plain", "cart"), ("9", "\n", "buy")]


def test_quoted_line_breaks_are_part_of_the_text(spark, file):
    file.write_text(BREAKS)
    assert values(opened(spark, file)) == BROKEN
    file.write_text(BREAKS.removesuffix("\n"))
    assert values(opened(spark, file)) == BROKEN
    file.write_bytes(BREAKS.replace("\n", "\r\n").encode())
    assert values(opened(spark, file)) == [tuple(text.replace("\n", "\r\n") for text in row) for row in BROKEN]
    file.write_bytes(BREAKS.encode("utf-16"))
    assert values(opened(spark, file)) == BROKEN


def test_a_line_break_in_the_last_row_alone_is_found(spark, file):
    file.write_text("user_id,note\n" + "7,plain\n" * 50_000 + '8,"two\nlines"\n')
    rows = opened(spark, file)
    assert (rows.count(), values(rows.where("user_id = '8'"))) == (50_001, [("8", "two\nlines")])


@pytest.mark.parametrize(("text", "message"), [
    (BREAKS + '"open,x,y\n', "in {file} the last quote is not closed. Nothing was read. Say how quotes are meant"),
    (BREAKS + '"a"b,x,y\n', "in {file} a quote neither begins nor ends its text, in '\"a\"b,x,y'. Nothing was read."),
    (BREAKS + '5, "x, y",z\n', "in {file} a quote neither begins nor ends its text, in '5, \"x, y\",z'. Nothing"),
    (BREAKS + "5,x,y\r\n6,x,y\n", "in {file} 1 rows end in CRLF and 4 in LF, beside quoted texts with line breaks."),
])  # fmt: skip
def test_what_no_rule_explains_is_refused_and_shown(spark, file, text, message):
    file.write_bytes(text.encode())
    with pytest.raises(SourceError) as caught:
        opened(spark, file)
    assert str(caught.value).startswith(f"The events {str(file)!r} cannot be read: " + message.format(file=file))


def test_rows_of_another_number_of_fields_are_kept_apart(spark, file):
    file.write_text('user_id,event_time,event_type\n7,2024-06-01,view\n8,2024-06-01,view,x\n9,"a, b"\n')
    parts = open_source(spark, str(file))
    rows = standardise(parts, Reading()).select("user_id", "broken", "found").collect()
    assert sorted(map(tuple, rows)) == [
        ("7", None, None), ("8", "row", "8,2024-06-01,view,x"), ("9", "row", '9,"a, b"'),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "options"), [
    ("user_id;event_type\n7;a,b\n", ""),
    ("user_id\tevent_type\n7\ta,b\n", ""),
    ("user_id|event_type\n7|a,b\n", ""),
    ("user_id:event_type\n7:a,b\n", "sep=':'"),
    ("user_id,event_type\n7,'a,b'\n", 'quote="\'"'),
    ("7;a,b\n", "sep=';',header=false,names='user_id,event_type'"),
    ("# made by hand\nuser_id;event_type\n7;a,b\n#8;c\n", "comment='#'"),
])  # fmt: skip
def test_separators_and_other_signs_are_told_or_said(spark, file, text, options):
    file.write_text(text)
    assert values(opened(spark, file, options)) == [("7", "a,b")]


@pytest.mark.parametrize(("encoding", "way"), [
    ("utf-16", "Write it without the character 0, as utf-16 has it"), ("utf-8", "If it is UTF-16, say event_options="),
])  # fmt: skip
@pytest.mark.parametrize("text", ["user_id,note\n7,1e5\x00", 'user_id,note\n7,"a\nb"\n8,\x00\n'])
def test_a_character_0_is_of_no_text(spark, file, encoding, way, text):
    file.write_bytes(text.encode(encoding))
    with pytest.raises(SourceError, match=f"log.csv holds bytes that no text has. {way}"):
        opened(spark, file)


def test_a_header_that_leaves_the_separator_open_is_refused(spark, file):
    file.write_text("user_id;event,type\n")
    with pytest.raises(SourceError, match=r"has as many ',' as ';': user_id;event,type\. Say .*event_options=sep=','"):
        opened(spark, file)


@pytest.mark.parametrize(("name", "write"), [
    ("log.csv.gz", gzip.compress), ("LOG.CSV", bytes), ("log.csv.bz2", bz2.compress),
])  # fmt: skip
def test_packed_files_and_other_spellings_of_an_ending_are_read(spark, tmp_path, name, write):
    (tmp_path / name).write_bytes(write(b'user_id,n\n7,"a\nb"\n'))
    assert values(opened(spark, tmp_path / name)) == [("7", "a\nb")]


def test_a_packed_file_that_does_not_say_so_is_refused(spark, file):
    file.write_bytes(gzip.compress(b"user_id,n\n7,1\n" * 99))
    with pytest.raises(
        SourceError, match=r"log\.csv is packed, and its name does not say so\. Rename it to end in \.gz"
    ):
        opened(spark, file)
