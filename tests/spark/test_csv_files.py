"""CSV as a source: doubled quotes, files that differ in their headers, a backslash before a quote."""

import pandas as pd
import pytest

from lib.errors import SourceError


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
    assert values(tables.source(str(file))) == list(rows.itertuples(index=False, name=None))


def test_what_stands_behind_a_quoted_text_is_not_moved(tables, file):
    file.write_text('user_id,title,event_type\n7,"Vinyl 12"" LP, red",view\n8,"",cart\n9,"""""",buy\n')
    rows = [("7", 'Vinyl 12" LP, red', "view"), ("8", None, "cart"), ("9", '""', "buy")]
    assert values(tables.source(str(file))) == rows


def test_backslashes_elsewhere_stand_for_themselves(tables, file):
    file.write_text('user_id,title\n7,"C:\\dir\\\\x, y"\n8,a\\,\n')
    assert values(tables.source(str(file)).select("user_id", "title")) == [("7", "C:\\dir\\\\x, y"), ("8", "a\\")]


@pytest.mark.parametrize(("header", "shown"), [
    ("user_id,platform,event_time", "user_id, platform, event_time"),  # a column came, in the middle
    ("event_time,user_id", "event_time, user_id"),  # two changed places
    ("user_id,event_time,platform", "user_id, event_time, platform"),  # one came at the end
    ("user_id", "user_id"),  # one is gone
    ('"user_id,event_time"', "user_id,event_time"),  # one name with a comma
    ("9,2024-06-01", "9, 2024-06-01"),  # no header at all
])  # fmt: skip
@pytest.mark.parametrize("larger", [True, False])  # Spark takes the header of the largest file for that of all
def test_a_folder_whose_files_differ_in_their_headers_is_refused_by_name(tables, folder, header, shown, larger):
    more = "7,2024-06-01,web\n" * 9
    events = folder(a="user_id,event_time\n" + more * (not larger), b=f"\n{header}\n" + more * larger, c="")
    with pytest.raises(SourceError) as caught:
        tables.source(events)
    assert str(caught.value) == (
        f"The events {events!r} cannot be read: the first line of {events}/b.csv has {shown}. Expected is the header "
        f"of {events}/a.csv: user_id, event_time. Nothing was read. Give all files one header, with the same columns "
        "in the same order, or load them into a table."
    )


def test_headers_that_say_the_same_are_the_same(tables, folder):
    row = "7,2024-06-01\n"
    events = folder(
        a="user_id,event_time\n" + row, b='"user_id","event_time"\r\n' + row, c='user_id,"event_time"\n' + row,
        d="\ufeffuser_id,event_time\n" + row, e="\n \n" + "user_id,event_time\n" + row, f="", g="\n",
        h="user_id,event_time",
    )  # fmt: skip
    assert values(tables.source(events)) == [("7", "2024-06-01")] * 5


def test_columns_without_a_name_or_with_one_that_stands_twice_are_read(tables, folder):
    events = folder(a=",user_id,x,x\n0,7,a,b\n", b=",user_id,x,x\n1,8,a,b\n")
    assert values(tables.source(events)) == [("0", "7", "a", "b"), ("1", "8", "a", "b")]


def test_a_file_of_another_encoding_is_compared_too(tables, folder):
    events = folder(a="größe,user_id\n1,7\n".encode("cp1252"), b="größe,user_id\n1,8\n".encode("cp1252"))
    assert values(tables.source(events).select("user_id")) == [("7",), ("8",)]
    folder(b="user_id,größe\n8,1\n".encode("cp1252"))
    with pytest.raises(SourceError, match=r"b\.csv has user_id, gr\ufffd\ufffde\. Expected is the header of .*a\.csv"):
        tables.source(events)


@pytest.mark.parametrize("line", [
    '"5\\" disc, red",view', '"C:\\dir\\",view', '5\\" disc,view', '"{""a"": ""\\""x""}",view',
])  # fmt: skip
def test_a_backslash_before_a_quote_is_refused_by_file_and_line(tables, folder, line):
    sound = "title,event_type\n" + "lamp,view\n" * 9
    events = folder(a=sound, b=f"{sound}{line}\n{line}\n" + "lamp,view\n" * 9)
    with pytest.raises(SourceError) as caught:
        tables.source(events)
    assert str(caught.value) == (
        f"The events {events!r} cannot be read: in 2 lines of {events}/b.csv a backslash stands before a quote, such "
        f"as {line}, and it cannot be told whether the quote is part of the text or ends it. Nothing was read. "
        'Write a quote within quotes as two (""), without a backslash, or load the file into a table.'
    )


def test_of_a_long_line_only_what_stands_around_the_quote_is_shown(tables, file):
    file.write_text("a,b\n" + "x" * 500 + '\\"' + "y" * 500 + ",view\n")
    with pytest.raises(SourceError, match=r'such as x{30}\\"y{30}, and it'):
        tables.source(str(file))


def test_names_of_files_are_shown_as_people_write_them(tables, tmp_path):
    (tmp_path / "my log [1].csv").write_text('a,b\n"\\"",view\n')
    (tmp_path / "one.csv").write_text("a,b\n")
    with pytest.raises(SourceError, match=r"in 1 lines of /[^:%]*/my log \[1\]\.csv a backslash"):
        tables.source(f"{tmp_path}/")
