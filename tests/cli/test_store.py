"""What a backtest keeps in its home, and what of it another version of the project refuses by name."""

import pickle
from dataclasses import field, make_dataclass
from datetime import date

import pyarrow as pa
import pytest

from cli.__main__ import main
from cli.errors import CliError
from cli.replay import store as store_module
from cli.replay.files import write_arrow
from cli.replay.store import State, Store, read_past, read_who, write_past, write_who
from lib.backtest.replay import GROWING, WHO, ExtractedDay, SharedTables, WhoUsersAre

MOVED = b"clib.replay\nReplayed\n."  # the pickle of a class where it once was
REFUSAL = (
    "The backtest in {home} was begun by another version of this project, which wrote {file} in a way that this one "
    "cannot read. Begin a new one: give it a --home of its own, or delete {home}."
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def fresh_layout():
    """The fingerprint is worked out anew within the test, and after it."""
    store_module._layout.cache_clear()
    yield
    store_module._layout.cache_clear()


def test_a_state_comes_back_as_it_was_kept(store):
    assert (store.load("gate").runs, store.load("gate").tables) == ([], {})
    store.write(store.state("gate"), State(tables={"audience": pa.table({"rank": [1, 2]})}))
    assert store.load("gate").tables == {"audience": pa.table({"rank": [1, 2]})}
    assert store.load("every").tables == {}


def test_what_all_runs_share_comes_back_as_it_was_kept(store):
    day, notes = date(2024, 6, 3), {("user_attributes", "attributes"): "{}"}
    rows = {name: pa.table({"user_id": [name]}) for name in (*WHO, *GROWING)}
    write_arrow(store.activity, rows["identities"], {b"until": b"2024-06-10"})
    who = WhoUsersAre({name: rows[name] for name in WHO}, "{}", date(2024, 6, 10))
    write_who(store, who)
    growing = {name: rows[name] for name in GROWING}
    past = SharedTables(rows["identities"], rows["identities"], {day: ExtractedDay(day, ("a",), notes)}, growing, who)
    write_past(store, past)
    back = read_past(store)
    assert back.stages == past.stages
    assert {**back.growing, **back.who.tables} == rows
    assert (back.who.note, back.who.written) == ("{}", date(2024, 6, 10))
    for name in rows:
        store.table(name).unlink()
    assert read_who(store) == WhoUsersAre({}, "", date(2024, 6, 10))


@pytest.mark.parametrize("has_fingerprint", [False, True])
def test_a_file_with_a_class_that_has_moved_is_refused(store, has_fingerprint):
    """Kept without a fingerprint, as before there was one; or with today's, which does not know of every class."""
    path = store.state("gate")
    path.parent.mkdir()
    path.write_bytes(store_module._layout() + b"\n" + MOVED if has_fingerprint else MOVED)
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(MOVED)
    with pytest.raises(CliError) as refusal:
        store.load("gate")
    assert str(refusal.value) == REFUSAL.format(home=store.root, file="policies/gate.pickle")


def test_a_file_whose_classes_had_other_fields_is_refused(store, fresh_layout, monkeypatch):
    path = store.challenger("2024-08-04")
    store.write(path, (1.5, None))
    assert store.read(path) == (1.5, None)
    store_module._layout.cache_clear()
    inner = make_dataclass("Quality", [("rows", int)])
    monkeypatch.setattr(store_module, "MadeChallenger", make_dataclass("MadeChallenger", [("quality", list[inner])]))
    with pytest.raises(CliError, match=r"another version of this project, which wrote made/2024-08-04\.pickle"):
        store.read(path)
    store.write(path, (1.5, None))
    store_module._layout.cache_clear()
    inner = make_dataclass("Quality", [("rows", int), ("actors", int, field(default=0))])  # one more, deep inside
    monkeypatch.setattr(store_module, "MadeChallenger", make_dataclass("MadeChallenger", [("quality", list[inner])]))
    with pytest.raises(CliError, match="another version of this project"):
        store.read(path)


@pytest.mark.parametrize("file", ["policies/gate.pickle", "policies/delta.pickle", "outcome.pickle"])
def test_a_backtest_begun_before_the_classes_moved_is_refused_in_one_line(tmp_path, capsys, file):
    store = Store(tmp_path)
    store.activity.touch()  # the events were read
    store.past.touch()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(MOVED)
    stores = ["--stores", "delta"] if "delta" in file else []
    weeks = ["--from", "2024-08-04", "--to", "2024-08-11", "--source", "synthetic", "--world", "users=20"]
    assert main(["backtest", *weeks, *stores, "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {REFUSAL.format(home=tmp_path, file=file)}\n"
