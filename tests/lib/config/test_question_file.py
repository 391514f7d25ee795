"""The question file: the texts that stand there, by the catalogue's keys; each error with its line and key."""

import pytest

from lib.config.catalogue import all_parameters
from lib.config.question_file import Entry, check_entries, find_entry, read_entries, read_question_file
from lib.config.stages import ExtractConfig, PublishConfig
from lib.errors import ConfigError
from lib.sources.options import Options, read_options
from tests.builders.runs import WIDGETS

TWO = """\
events: clicks.csv          # beside this file
event_columns: {user_id: customer, event_time: timestamp_millis(ts)}
as_of: 2024-06-01
questions:
  buy: {action: purchase, horizon_days: 014}
  read:
    action: [read, 'a, b']
    cohort_days: all
    reasons: 0
    export: lists/readers.csv
"""


@pytest.fixture
def file(tmp_path):
    """Writes a question file and gives its path."""

    def write(text, name="shop.yml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_file_says_texts_for_all_questions_and_for_each(file, tmp_path):
    read = read_question_file(file(TWO))
    assert [one.name for one in read.entries] == ["buy", "read"]
    common = {
        "events": str(tmp_path / "clicks.csv"), "as_of": "2024-06-01",
        "event_columns": "user_id=customer,event_time=timestamp_millis(ts)",
    }  # fmt: skip
    assert read.common == common
    assert read.entries[0].texts == common | {"action": "purchase", "horizon_days": "014"}
    assert read.entries[1].texts == common | {
        "action": "read,'a, b'", "cohort_days": "all", "reasons": "0",
        "export": str(tmp_path / "lists" / "readers.csv"),
    }  # fmt: skip
    assert read.names == {
        "events",
        "event_columns",
        "as_of",
        "action",
        "horizon_days",
        "cohort_days",
        "reasons",
        "export",
    }
    assert read.text == TWO


@pytest.mark.parametrize(("said", "options"), [
    ("{sep: ';', decimal: ','}", Options(sep=";", decimal=",")), ("{sep: ','}", Options(sep=",")),
    ("{header: false, names: 'user_id,event_time'}", Options(header=False, names=("user_id", "event_time"))),
    ("""{quote: "'", escape: '"'}""", Options(quote="'", escape='"')), ("{sep: tab}", Options(sep="\t")),
    ("""{sep: "','"}""", Options(sep=",")), ("sep=';',decimal=','", Options(sep=";", decimal=",")),
])  # fmt: skip
def test_signs_of_options_are_what_yaml_says(file, said, options):
    assert read_options(read_question_file(file(f"event_options: {said}\n")).common["event_options"]) == options


def test_a_file_of_one_question_says_all_of_it_in_common(file):
    read = read_question_file(file("action: buy\nhorizon_days: 7\nreasons:\n"))
    assert read.common == {"action": "buy", "horizon_days": "7"}  # blank is not given
    assert read_question_file(file("questions:\n  - {action: buy}\n")).common == {"action": "buy"}


def test_by_hand_beats_the_file_and_the_file_the_default(file):
    (entry,) = read_entries((WIDGETS | {"question_file": "shop.yml", "action": ""}).__getitem__, str(file(
        "action: read\nhorizon_days: 9\nreasons: 1\nheld_out_share: 0.2\n"
    ).parent))  # fmt: skip
    get = entry.get({**WIDGETS, "action": " ", "horizon_days": "5", "held_out_share": ""}.__getitem__)
    config = PublishConfig.from_widgets(get)
    assert config.question.actions == ("read",)
    assert config.question.horizon_days == 5
    assert config.held_out_share == 0.2
    assert entry.over({"action": "", "horizon_days": "5"})["action"] == "read"


def test_without_a_file_there_is_one_question_and_all_is_as_given():
    (entry,) = read_entries({"question_file": " "}.__getitem__, "/nowhere")
    assert entry == Entry()
    assert read_entries({"question_file": "none"}.__getitem__, "/nowhere") == (entry,)
    assert ExtractConfig.from_widgets(entry.get(WIDGETS.__getitem__)) == ExtractConfig.from_widgets(WIDGETS.__getitem__)


def test_every_parameter_that_the_job_does_not_fill_in_is_a_key(file):
    filled = {name for name, each in all_parameters().items() if each.is_filled}
    assert filled == {
        "run_id", "repair_count", "resolved_as_of", "run_date", "compute", "schema", "models", "experiment", "reports",
    }  # fmt: skip
    for name in all_parameters().keys() - filled - {"question_file"}:
        assert read_question_file(file(f"{name}:\n")).common == {}


def test_further_sources_are_a_list_and_their_files_lie_beside_it(file, tmp_path):
    text = "more_sources:\n  - events: mails.csv\n    event_columns: {user_id: recipient}\n  - {events: crm.mails}\n"
    assert read_question_file(file(text)).common["more_sources"] == (
        f'[{{"events": "{tmp_path}/mails.csv", "event_columns": "user_id=recipient"}}, {{"events": "crm.mails"}}]'
    )


def test_tables_addresses_and_whole_paths_stay_as_they_stand(file, tmp_path):
    text = "events: main.shop.events\nsuppress: [shop.staff, out.csv]\nexport: /Volumes/main/shop/list.csv\n"
    assert read_question_file(file(text)).common == {
        "events": "main.shop.events", "suppress": f"shop.staff,{tmp_path}/out.csv",
        "export": "/Volumes/main/shop/list.csv",
    }  # fmt: skip
    assert read_question_file(file("events: s3://shop/events/*.parquet\n")).common["events"].startswith("s3://shop/")


# 28 broken files: the line, the key and the way out, before anything starts.
BROKEN = [
    ("acton: buy", "line 1, acton: there is no such parameter. Did you mean action?"),
    ("question:\n  a: {}", "line 1, question: there is no such parameter. Did you mean questions?"),
    ("action: buy\nzzz: 1", "line 2, zzz: there is no such parameter."),
    ("action: buy\nhorizon_days: 0", "line 2, horizon_days: horizon_days must be a whole number >= 1, got '0'."),
    ("action: buy\nhorizon_days: 14.0", "line 2, horizon_days: horizon_days must be a whole number >= 1, got '14.0'."),
    ("as_of: 2024-06-31", "line 1, as_of: as_of must be a date like 2024-06-01, got '2024-06-31'."),
    ("replace_newer: yes", "line 1, replace_newer: replace_newer must be false or true, got 'yes'."),
    ("value_of_action: 0,40", "line 1, value_of_action: value_of_action must be a number from 0 to 1e+09, got '0,40'. "
     "Write decimals with a point."),
    ("action: buy\naction: read", "line 2, action: the key stands in line 1 too. Keep one."),
    ("questions:\n  a: {action: buy, action: read}", "line 2, questions.a.action: the key stands in line 2 too. Keep "
     "one."),
    ("action: &it buy", "line 1: anchors (&it and *it) are not read. Write out what is meant."),
    ("action: *it", "line 1: anchors (&it and *it) are not read. Write out what is meant."),
    ("action: !!int 7", "line 1: the tag tag:yaml.org,2002:int is not read: each value is the text that stands there. "
     "Leave it out."),
    ("action: ~", "line 1, action: ~ is YAML's word for nothing. Leave the value blank for the default, or write none."),
    ("action: buy\n\thorizon_days: 7", "line 2: no YAML: while scanning for the next token, found character '\\t' that "
     "cannot start any token."),
    ("action: a: b", "line 1: no YAML: mapping values are not allowed here (quote a text that holds a colon, or begins "
     "with a sign)."),
    ("action: buy\n---\naction: read", "line 2: a second document begins here, and one is read. Leave out ---."),
    ("- buy", "line 1: the file must hold keys and values, like action: purchase."),
    ("# nothing", "line 1: the file says nothing. Write a parameter, like action: purchase."),
    ("? [a]\n: buy", "line 1: a key must be a word."),
    (b"action: buy\nexport: \xe9.csv", "line 2: a byte is no UTF-8: 0xe9. Save it as UTF-8."),
    ("action: b\x07uy", "line 1: the sign '\\x07' has no place in YAML."),
    ("a: " + "[" * 99, "line 1: lists and mappings stand too deep within each other."),
    ("run_id: x", "line 1, run_id: the job itself says this. Leave it out here; its places are in databricks.yml."),
    ("schema: main.shop", "line 1, schema: the job itself says this. Leave it out here; its places are in "
     "databricks.yml."),
    ("question_file: other.yml", "line 1, question_file: the job itself says this. Leave it out here; its places are in "
     "databricks.yml."),
    ("questions: {}", "line 1, questions: it must hold questions, like buy: {action: purchase}, each with its own "
     "parameters."),
    ("questions:\n  Buy: {action: buy}", "line 2, questions.Buy: a question's name must be of small letters, digits and "
     "_, begin with a letter, and be short."),
    ("questions:\n  buy: purchase", "line 2, questions.buy: a question must hold parameters, like {action: purchase, "
     "horizon_days: 28}."),
    ("questions:\n  buy:\n    action: buy\n    events: shop.log", "line 4, questions.buy.events: all questions of a run "
     "have this in common. Say it outside of questions."),
    ("event_columns: {user_id: {a: b}}", "line 1, event_columns.user_id: it must be a text, like ours: theirs."),
    ("as_of: '{{job.start_time.iso_date}}'", "line 1, as_of: nothing fills in '{{job.start_time.iso_date}}' here, as "
     "databricks.yml would. Write what is meant."),
    ("event_where: value >", "line 1, event_where: event_where: cannot read '>' at character 7: an operator, an operand "
     "or a comma is missing here."),
    ("optuna_storage: postgresql://me:word@host/db", "line 1, optuna_storage: optuna_storage holds a password in clear, "
     "which records, pages and process lists would show. Write secret(scope/key) in its place, and keep it in the "
     "environment variable SCOPE_KEY, on Databricks under that key of that secret scope."),
    ("action: buy # ask https://x?token=word", "line 1: it holds a password in clear, and each run keeps this text. "
     "Write secret(scope/key) in its place."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_is_wrong_is_named_with_its_line_and_key(file, text, message):
    with pytest.raises(ConfigError) as refused:
        read_question_file(file(text))
    assert str(refused.value) == f"shop.yml, {message}"


# What is seen only with the rest of the parameters.
TOGETHER = [
    ("horizon_days: 7", {}, "shop.yml: action is blank. Give the job or the notebook's widget a value for it."),
    ("questions:\n  a: {horizon_days: 7}", {}, "shop.yml, line 2, questions.a: action is blank. Give the job or the "
     "notebook's widget a value for it."),
    ("action: buy\nvalue_of_action: 3", {}, "shop.yml, line 2, value_of_action: value_of_action and cost_of_contact are "
     "given together or not at all, got '3' and ''. Give both in one currency, or leave both blank."),
    ("action: buy", {"value_of_action": "3"}, "value_of_action and cost_of_contact are given together or not at all, "
     "got '3' and ''. Give both in one currency, or leave both blank."),
    ("action: buy\nvalue_of_action: x", {"reasons": "many"}, None),
    ("questions:\n  a: {action: buy}\n  b: {action: buy, reasons: 0}", {}, "shop.yml, line 3, questions.b: it asks what "
     "shop.yml, line 2, questions.a asks, buy_28d_cohort90d. Leave one out."),
    ("questions:\n  a: {action: buy}\n  b: {action: read}", {"action": "buy"}, "shop.yml, line 3, questions.b: it asks "
     "what shop.yml, line 2, questions.a asks, buy_28d_cohort90d. Leave one out."),
    ("export: /x/list.csv\nquestions:\n  a: {action: buy}\n  b: {action: read}", {}, "shop.yml, line 4, questions.b: it "
     "exports to /x/list.csv, as shop.yml, line 3, questions.a does. Name a file for each."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "message"), TOGETHER)
def test_what_does_not_fit_together_is_named_where_it_is_said(file, text, given, message):
    blank = WIDGETS | dict.fromkeys(("action", "horizon_days", "cohort_days", "value_of_action"), "")
    with pytest.raises(ConfigError) as refused:
        check_entries(read_question_file(file(text)).entries, blank | given)
    if message:
        assert str(refused.value) == message
    else:  # a value that no parameter takes is named before
        assert str(refused.value).startswith("shop.yml, line 2, value_of_action: value_of_action must be a number")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError) as refused:
        read_question_file(tmp_path / "shop.yml")
    assert str(refused.value) == (
        f"question_file names {tmp_path / 'shop.yml'}, which cannot be read: No such file or directory."
    )


def test_a_question_is_found_by_its_name_and_the_first_without_one():
    entries = (Entry("buy"), Entry("read"))
    assert [find_entry(entries, name).name for name in ("read", "", " ")] == ["read", "buy", "buy"]
    for among, name, there in ((entries, "share", "buy, read"), ((Entry(),), "buy", "one without a name")):
        with pytest.raises(ConfigError) as refused:
            find_entry(among, name)
        assert str(refused.value) == f"There is no question {name!r}. There is {there}."
