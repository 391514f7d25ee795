"""Texts and names as DuckDB's SQL spells them, also where it takes no expression: as an option, or a field."""


def quoted(name: str) -> str:
    """A column's name."""
    return '"' + name.replace('"', '""') + '"'


def spelled(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"
