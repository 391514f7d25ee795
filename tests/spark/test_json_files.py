"""JSON lines as a source: every value as it stands, nested ones by path, what is no object kept apart."""

import gzip

import pytest

from lib.errors import SourceError
from lib.features.source import Reading, standardise
from lib.sources.opening import open_source

LINES = (
    '{"user": {"id": 12345678901234567890}, "at": "2024-06-01T10:00:00Z", "type": "view", "props": {"price": 1.50}}\n'
    '{"user": {"id": "u-7"}, "at": "2024-06-02T01:30:00+02:00", "type": "buy"}\n'
)
NAMES = {"user_id": "user.id", "event_time": "at", "event_type": "type", "value": "to_number(props.price)"}
ROWS = [("12345678901234567890", "2024-06-01", "view", 1.5, None), ("u-7", "2024-06-01", "buy", None, None)]


def shaped(spark, events, names=NAMES):
    frame = standardise(open_source(spark, str(events)), Reading(names))
    return sorted(map(tuple, frame.selectExpr("user_id", "string(day)", "event_type", "value", "broken").collect()))


@pytest.mark.parametrize("name", ["log.json", "log.jsonl", "log.NDJSON", "log.ndjson.gz"])
def test_lines_are_read_as_they_stand(spark, tmp_path, name):
    text = LINES.encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert shaped(spark, tmp_path / name) == ROWS


def test_a_file_that_is_one_list_is_read_too(spark, tmp_path):
    (tmp_path / "log.json").write_text("[" + LINES.strip().replace("\n", ",\n") + "]")
    assert shaped(spark, tmp_path / "log.json") == ROWS


def test_a_line_that_is_no_object_is_kept_apart(spark, tmp_path):
    (tmp_path / "log.jsonl").write_text(LINES + '{"user": \n')
    frame = standardise(open_source(spark, f"{tmp_path}/log.jsonl"), Reading(NAMES))
    assert [tuple(row) for row in frame.where("broken IS NOT NULL").select("broken", "found").collect()] == [
        ("row", '{"user": ')
    ]


ONE = '{"user_id": "7", "event_time": "2024-06-01", "event_type": "a}{b"}'


@pytest.mark.parametrize(("text", "message"), [
    (ONE + ONE, r"in .*log\.json a line holds several, '.*', and only the first would be read\. .* Write one object a"),
    (f"[{ONE}]\n\n[{ONE}]", r"in .*log\.json several lists follow each other, and only the first would be read"),
    (ONE.replace(",", ",\n"), r"no line of .*log\.json is an object, as where one stands on several lines\. .* jq -c"),
    ('{"user_id": 7, "user_id": 8}', r"in .*log\.json or its like the key 'user_id' stands twice in an object"),
    (ONE.replace("7", "\xfc"), r"log\.json is not UTF-8, as JSON has to be\. .*like: iconv -f UTF-16"),
])  # fmt: skip
def test_what_spark_would_read_in_part_is_refused(spark, tmp_path, text, message):
    (tmp_path / "log.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SourceError, match=message):
        open_source(spark, f"{tmp_path}/log.json")


def test_brackets_in_texts_and_lists_in_objects_are_no_other_values(spark, tmp_path):
    rows = f'{ONE[:-1]}, "x": [[1], [2]], "y": [{{}}, {{}}]}}'
    (tmp_path / "1.json").write_text(f"{rows}\n{rows}\n")
    (tmp_path / "2.json").write_text(f"[{rows},\n{rows}\n]\n")
    assert [row[2] for row in shaped(spark, tmp_path, {})] == ["a}{b"] * 4


def test_keys_that_differ_in_capitals_only_are_refused(spark, tmp_path):
    (tmp_path / "log.jsonl").write_text('{"userId": 1, "at": "2024-06-01"}\n{"userid": 2, "at": "2024-06-01"}\n')
    with pytest.raises(SourceError, match=r"have keys that differ in capitals only, 'userId' and 'userid', of which"):
        open_source(spark, f"{tmp_path}/log.jsonl")


def test_files_of_several_formats_are_refused_by_name(spark, tmp_path):
    (tmp_path / "a.jsonl").write_text(LINES)
    (tmp_path / "b.csv").write_text("user_id\n7\n")
    message = (
        r"hold files of several formats: /.*/a\.jsonl is JSON lines, /.*/b\.csv is CSV\. Name those to read with a"
    )
    with pytest.raises(SourceError, match=message):
        open_source(spark, str(tmp_path))
    assert shaped(spark, tmp_path / "*.jsonl") == ROWS
    assert shaped(spark, f"{tmp_path}/a.jsonl,{tmp_path}/a.jsonl") == ROWS


@pytest.mark.parametrize(("name", "message"), [
    ("notes.txt", r"notes\.txt is of no known format\. Files are read whose names end in \.csv, .* behind\. Name the"),
    ("log.csv.xz", r"log\.csv\.xz is of no known format\. .* Pack it with gzip \(\.csv\.gz\) or not at all\."),
    ("log.csv.GZ", r"engine unpacks .*log\.csv\.GZ only where \.gz, \.zst or \.bz2 is in small letters\. Rename it\."),
])  # fmt: skip
def test_files_of_no_known_format_are_refused_by_name(spark, tmp_path, name, message):
    (tmp_path / "a.csv").write_text("user_id\n7\n")
    (tmp_path / name).write_text("x")
    with pytest.raises(SourceError, match=message):
        open_source(spark, str(tmp_path))
    (tmp_path / name).rename(tmp_path / f"_{name}")  # what begins so is no data
    assert open_source(spark, str(tmp_path))
