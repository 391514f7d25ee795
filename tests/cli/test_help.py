"""What the command line says of itself: in 80 columns, without an installation, with what was probably meant."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main
from lib.config.catalogue import all_parameters

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "run", "schedule", "validate", "test", "parameters", "ui", "models", "models diff", "models promote",
    "models rollback", "models challenge", "audience", "audience rollback", "audience export", "alive", "backtest",
    "features", "notebook", "clean", "remote", "remote status", "remote run", "remote logs", "remote models",
    "remote audience",
]  # fmt: skip


def said(capsys, *words):
    """What a call that ends by itself prints, and its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    both = capsys.readouterr()
    return ended.value.code, both.out + both.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_no_wider_than_80_columns(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    code, text = said(capsys, *command.split(), "--help")
    assert code == 0
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_help_can_be_asked_for_by_name(capsys):
    assert said(capsys, "help") == said(capsys, "--help") == said(capsys, "-h")
    assert said(capsys, "help", "models", "diff") == said(capsys, "models", "diff", "--help")


@pytest.mark.parametrize("command", ["run", "schedule"])
def test_help_of_a_run_names_every_parameter_those_of_the_first_day_first(capsys, command):
    _, text = said(capsys, command, "--help")
    _, _, listed = text.partition("\nparameters: ")
    names = [name for name, each in all_parameters().items() if each.group != "What the job fills in"]
    listed = re.sub(r"\(.*?\)", "", listed, flags=re.DOTALL)  # without the defaults
    names_alone = [line[2:].partition("  ")[0] for line in listed.splitlines() if re.match(r"  \S", line)]
    told = [word for line in names_alone for word in re.findall(r"\w+", line)]
    assert len(names) > 40
    assert list(dict.fromkeys(word for word in told if word in names)) == names
    lines = text.partition("\nparameters: ")[2].splitlines()
    assert lines[2:5] == [
        "the events and the question",
        "  events          where the events are: a table, a Delta folder, or files of",
        "                  CSV, JSON lines or Parquet",
    ]
    assert "  horizon_days    how many days the prediction covers (28)" in lines
    assert "the search for a model" in lines


def test_the_version_is_the_project_s(capsys):
    assert said(capsys, "--version") == (0, "propensity 0.1.0\n")


@pytest.mark.parametrize(("words", "message"), [
    ("rnu", "COMMAND knows no 'rnu', only run, schedule, alive, look, validate, check, test, parameters, ui, models, "
     "audience, backtest, features, notebook, backup, restore, undo, forget, clean, remote. Did you mean run?"),
    ("frobnicate", "models, audience, backtest, features, notebook, backup, restore, undo, forget, clean, remote.\n"),
    ("remote stats", "ACTION knows no 'stats', only status, run, logs, models, audience. Did you mean status?"),
    ("models difference 1 2", "ACTION knows no 'difference', only diff, promote, rollback, challenge.\n"),
    ("run --source cdnaw", "--source knows no 'cdnaw', only complete-journey, cdnow, synthetic, none. "
     "Did you mean cdnow?"),
    ("run --parma action=buy", "unknown arguments: --parma action=buy. Did you mean --param?"),
    ("run --parma=action=buy", "unknown arguments: --parma=action=buy. Did you mean --param?"),
    ("run --horizon-days 7", "unknown arguments: --horizon-days 7. Did you mean --param horizon_days=...?"),
    ("run --horizon_days=7", "unknown arguments: --horizon_days=7. Did you mean --param horizon_days=7?"),
    ("run action=buy", "unknown arguments: action=buy. Did you mean --param action=buy?"),
    ("remote status --profil x --las 2 --tarjet y", "unknown arguments: --tarjet y. Did you mean --target?"),
    ("validate --fast", "unknown arguments: --fast.\n"),
    ("--hom=x validate", "unknown arguments: --hom=x.\n"),
])  # fmt: skip
def test_a_slip_of_the_pen_is_told_what_was_probably_meant(capsys, words, message):
    code, text = said(capsys, *words.split())
    assert code == 2
    assert message in text


@pytest.mark.job  # a process of its own, without this environment
@pytest.mark.parametrize("words", [["--help"], ["run", "-h"], ["help", "backtest"], ["--version"]])
def test_help_needs_nothing_that_is_installed(words):
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
    command = [sys.executable, "-S", "-B", "-P", "-m", "cli", *words]  # -S: without site-packages
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "propensity" in done.stdout
