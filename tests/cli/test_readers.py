"""Who can read a home: a new one nobody else; an old one stays as it is, which is said once."""

import grp
import os
from pathlib import Path

import pytest

from cli.local import readers
from cli.local.archive import read_archive, write_archive
from cli.local.home import open_home


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_new_home_is_its_owner_s_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        root = open_home(tmp_path / "deep" / "home").root
    finally:
        os.umask(before)
    assert mode(root) == 0o700
    assert mode(root.parent) == 0o777  # no folder of ours
    assert readers.who_can_read(root) == ""


def test_a_restored_home_is_too(tmp_path):
    home = open_home(tmp_path / "home")
    write_archive(home, tmp_path / "b.tar.gz")
    read_archive(tmp_path / "b.tar.gz", tmp_path / "new")
    assert mode(tmp_path / "new") == 0o700


@pytest.mark.parametrize("open_mode", [0o755, 0o750, 0o711])
def test_an_open_home_stays_as_it_is_and_a_run_says_so_once(stage, capsys, open_mode):
    stage.home.mkdir()
    stage.home.chmod(open_mode)
    assert stage() == 0
    group = grp.getgrgid(stage.home.stat().st_gid).gr_name
    who = f"The group {group}" if open_mode == 0o750 else "Everybody on this machine"
    line = (
        f"{who} can read {stage.home}: models, lists and reports, with ids of users. To shut it: chmod 700 {stage.home}"
    )
    assert capsys.readouterr().out.splitlines().count(line) == 1
    assert stage() == 0
    assert "can read" not in capsys.readouterr().out
    assert mode(stage.home) == open_mode
    assert open_home(stage.home).root == stage.home  # the note of where it lies is still read


def test_a_home_that_its_owner_shut_is_not_spoken_of(stage, capsys):
    stage.home.mkdir()
    stage.home.chmod(0o700)
    assert stage() == 0
    assert "can read" not in capsys.readouterr().out


def test_where_a_file_system_keeps_no_permissions_that_is_said_and_no_error(tmp_path, monkeypatch, capsys):
    mkdir = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda self, mode=0o777, **given: mkdir(self, 0o755, **given))
    open_home(tmp_path / "home")
    assert capsys.readouterr().out == (
        f"Everybody on this machine can read {tmp_path}/home: models, lists and reports, with ids of users. This file "
        "system keeps no permissions, so that cannot be changed here.\n"
    )
