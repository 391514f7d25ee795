"""The list of a home's forgotten users, its key, and what backups and copies make of them."""

import shutil
import tarfile
from datetime import date

import pytest
from deltalake import DeltaTable

from cli.__main__ import main
from cli.errors import CliError
from cli.local import forgotten_users
from cli.local.home import KEY_FILE, RESTORING, Home, lock_home, open_home
from cli.local.plan import check_secrets
from lib.errors import SourceError
from lib.features.forgotten import make_digest


@pytest.fixture
def home(old, tmp_path):
    return open_home(shutil.copytree(old, tmp_path / "home"))


def entries(home):
    return DeltaTable(home.warehouse / "propensity" / "forgotten").to_pandas()


def users(home):
    return sorted(set(DeltaTable(home.warehouse / "propensity" / "daily_activity").to_pandas()["user_id"]))


def forget(home, *names):
    assert main(["forget", *names, "--home", str(home.root)]) == 0


def backup(home, tmp_path):
    file = tmp_path / "backup.tar.gz"
    assert main(["backup", str(file), "--home", str(home.root)]) == 0
    return file


def restore(file, tmp_path):
    assert main(["restore", str(file), "--home", str(tmp_path / "restored")]) == 0
    return Home(tmp_path / "restored")


def test_the_key_lies_apart_for_its_owner_alone_and_tasks_find_it_in_their_environment(home, capsys):
    assert home.secrets() == {}
    assert "forgotten_key" not in home.parameters()
    forget(home, "u1", "u 2")
    key = (home.root / KEY_FILE).read_text()
    assert (home.root / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key)) == 32
    rows = entries(home)
    assert sorted(rows["digest"]) == sorted(make_digest(user, key) for user in ("u1", "u 2"))
    assert home.secrets() == {"PROPENSITY_FORGOTTEN": key}
    check_secrets({"forgotten_key": home.parameters()["forgotten_key"]}, home.secrets())
    files = [path for path in home.root.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert files == [home.root / KEY_FILE]
    assert key not in capsys.readouterr().out


def test_who_is_listed_is_listed_once_and_others_with_the_same_key(home):
    forget(home, "u1")
    key = (home.root / KEY_FILE).read_text()
    forget(home, "u1", "u2")
    assert sorted(entries(home)["digest"]) == sorted(make_digest(user, key) for user in ("u1", "u2"))


def test_a_list_without_its_key_is_not_added_to(home):
    forget(home, "u1")
    (home.root / KEY_FILE).unlink()
    with pytest.raises(
        SourceError, match="Users were forgotten in schema propensity, and the key of their list is not"
    ):
        forgotten_users.note_forgotten(home, ["u2"], date(2024, 6, 3))
    assert len(entries(home)) == 1
    assert not (home.root / KEY_FILE).exists()


def test_a_restored_home_leaves_out_who_was_forgotten_since(home, tmp_path, capsys):
    first, second, *others = users(home)
    forget(home, first)
    file = backup(home, tmp_path)
    assert f"is not in it: keep {home.root / KEY_FILE} apart from backups.\n" in capsys.readouterr().out
    with tarfile.open(file) as archive:
        assert KEY_FILE not in archive.getnames()
    forget(home, second)
    restored = restore(file, tmp_path)
    assert "1 users who were forgotten since are taken out:\n" in capsys.readouterr().out
    assert users(restored) == others
    assert sorted(entries(restored)["digest"]) == sorted(entries(home)["digest"])
    assert restored.forgotten_key() == home.forgotten_key()
    assert (restored.root / KEY_FILE).stat().st_mode & 0o777 == 0o600
    with lock_home(restored):
        pass


def test_a_backup_from_before_the_first_one_was_forgotten_is_held_against_the_list_too(home, tmp_path):
    file, (first, *others) = backup(home, tmp_path), users(home)
    forget(home, first)
    restored = restore(file, tmp_path)
    assert users(restored) == others
    assert restored.forgotten_key() == home.forgotten_key()


def test_restored_without_its_key_it_says_what_to_do(home, tmp_path, capsys):
    forget(home, users(home)[0])
    file = backup(home, tmp_path)
    home.root.rename(tmp_path / "gone")
    capsys.readouterr()
    restored = restore(file, tmp_path)
    assert (
        "The backup has a list of forgotten users and never its key. Put forgotten.key of the home that it was made of "
        f"into {restored.root} before the next run, which refuses else; name whoever was forgotten after the backup to "
        "./propensity forget again.\n" in capsys.readouterr().out
    )
    assert not (restored.root / KEY_FILE).exists()
    with lock_home(restored):  # the run itself refuses, by the key
        pass


def test_where_the_home_is_gone_and_had_no_list_it_says_so(home, tmp_path, capsys):
    file = backup(home, tmp_path)
    home.root.rename(tmp_path / "gone")
    restore(file, tmp_path)
    assert "The home that the backup was made of is not there to be asked: name whoever" in capsys.readouterr().out


def test_where_it_is_there_and_forgot_nobody_nothing_is_said(home, tmp_path, capsys):
    restored = restore(backup(home, tmp_path), tmp_path)
    assert "forgotten" not in capsys.readouterr().out
    assert users(restored) == users(home)


def test_a_restore_that_was_cut_off_is_no_home(home, tmp_path, monkeypatch):
    file = backup(home, tmp_path)
    forget(home, users(home)[0])

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(forgotten_users, "take_over", stopped)
    assert main(["restore", str(file), "--home", str(tmp_path / "restored")]) == 130
    restored = Home(tmp_path / "restored")
    assert (restored.root / RESTORING).exists()
    with pytest.raises(CliError, match=r"restored is half restored: that was cut off\. Delete"), lock_home(restored):
        pass


def test_a_backtest_s_home_is_to_be_deleted(home, capsys):
    (home.root / "activity.arrow").touch()
    assert main(["forget", "u1", "--home", str(home.root)]) == 1
    assert (
        "is of a backtest, whose files all hold users. Delete the folder, and replay again.\n"
        in capsys.readouterr().err
    )
