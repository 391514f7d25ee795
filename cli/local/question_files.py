"""Which question file a run in a home reads: the one that is given, or the one that the home remembers."""

import os
from collections.abc import Mapping
from pathlib import Path

from cli.errors import CliError
from cli.local.home import Home
from lib.config.kinds import is_none
from lib.config.parameters import merge
from lib.config.question_file import PARAMETER, QuestionFile, read_question_file
from lib.whole_files import write_whole

_NOTE = "question_file"  # in the home: the file's path, from the home's own folder


def choose_file(given: Mapping[str, str], home: Home) -> dict[str, str]:
    """What was given, with the question file that is meant, by its whole path; `none` is no file, this time.

    Raises
    ------
    CliError
        If the file that the home remembers is gone.
    """
    if given.get(PARAMETER, "").strip():
        path = given[PARAMETER].strip()
        return {**given, PARAMETER: path if is_none(path) else str(Path(path).expanduser().absolute())}
    known = remembered_file(home)
    if known is None:
        return dict(given)
    if not known.is_file():
        raise CliError(
            f"{home.root} is asked by {known}, and there is no such file. Bring it back, name another with --param "
            f"{PARAMETER}=..., or none."
        )
    return {**given, PARAMETER: str(known)}


def read_file(given: Mapping[str, str]) -> QuestionFile | None:
    """The question file that is given; None without one.

    Raises
    ------
    ConfigError
        The message names the line and the key.
    """
    path = given.get(PARAMETER, "")
    return None if is_none(path) else read_question_file(Path(path))


def lay_over(given: Mapping[str, str], file: QuestionFile | None) -> dict[str, str]:
    """What was given by hand, over what the file says for all its questions alike."""
    return dict(given) if file is None else merge(given, file.common)


def remembered_file(home: Home) -> Path | None:
    """The file that the home was asked by last."""
    try:
        noted = (home.root / _NOTE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return Path(os.path.normpath(home.root / noted))


def remember_file(home: Home, given: Mapping[str, str]) -> None:
    """Note the file of a run, so that the next one needs no word of it; a run without one leaves the note."""
    path = given.get(PARAMETER, "")
    if is_none(path):
        return
    inside = Path(path).is_relative_to(home.root)  # it then moves with the home
    noted = str(Path(path).relative_to(home.root)) if inside else path
    write_whole(home.root / _NOTE, f"{noted}\n".encode())
