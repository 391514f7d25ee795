"""The file that a list is written to: where, for which channel, and with which columns."""

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Self

from lib.config.event_kinds import source, split_names
from lib.config.formats import format_names, read_format
from lib.config.kinds import Kind, choice, file_of, optional
from lib.config.parameters import FromWidgets, Get, Group, parameter
from lib.errors import ConfigError
from lib.tables.contracts import AUDIENCE


def chosen_columns() -> Kind[dict[str, str]]:
    """Columns of `audience` with commas between, each with `=name` where it is to be called otherwise."""
    return Kind(_read_columns, "columns of audience, or column=name, with commas between")


def _read_columns(name: str, text: str) -> dict[str, str]:
    pairs = {ours.strip(): theirs.strip() for ours, _, theirs in (part.partition("=") for part in split_names(text))}
    if unknown := sorted(set(pairs) - set(AUDIENCE)):
        raise ConfigError(
            f"{name} has {unknown[0]!r}, which is no column of audience. There are {', '.join(AUDIENCE)}."
        )
    return {ours: theirs or ours for ours, theirs in pairs.items()}


@dataclass(frozen=True, kw_only=True)
class Export(FromWidgets, group=Group.LIST):
    """What is written beside the table; nothing where no file is named."""

    file: str = parameter(
        "",
        optional(file_of(".csv", ".parquet", ".jsonl"), ""),
        "a file to write the list to as well, for contacting; beside it one of the users to leave alone",
        name="export",
        job="${var.export}",
    )
    format: str = parameter(
        "",
        optional(choice(*format_names()), ""),
        "what channel loads that file; docs/operations.md has what each takes",
        name="export_format",
        shown="csv or parquet, by the ending",
        job="${var.export_format}",
    )
    columns: dict[str, str] = parameter(
        "",
        optional(chosen_columns(), {}),
        "the file's columns, like propensity=score,decile",
        name="export_columns",
        shown="the format's own",
    )
    identifiers: str = parameter(
        "",
        optional(source(), ""),
        "a table or file with user_id and email or phone, for channels that match by these",
        name="export_identifiers",
        job="${var.export_identifiers}",
    )

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        export = super().from_widgets(get)
        if not export.file:
            if export.format:
                raise ConfigError(f"export_format is {export.format}, and export names no file. Name one.")
            return export
        ending = PurePath(export.file).suffix
        if not export.format and ending.removeprefix(".") not in format_names():
            raise ConfigError(f"export is {export.file}: say in export_format what is to load it.")
        export = replace(export, format=export.format or ending.removeprefix("."))
        wanted = read_format(export.format)
        if ending != wanted.ending:
            raise ConfigError(
                f"export_format is {export.format}, whose file ends in {wanted.ending}; got {export.file}."
            )
        if not wanted.user and not export.identifiers:
            raise ConfigError(
                f"export_format is {export.format}, which matches users by e-mail or phone alone. Name a table or file "
                "with user_id and email or phone in export_identifiers."
            )
        return export
