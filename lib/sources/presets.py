"""Ready-made mappings for the logs that people have: a file of data for each, read here.

Each says where its facts are from, and the trap of its export. What a person gives by hand counts over it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "mappings"


@dataclass(frozen=True)
class Preset:
    """How one export is to be read."""

    title: str
    source: str  # where that is documented, and when it was read
    trap: str  # what goes wrong with it
    columns: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    key: tuple[str, ...] = ()
    unpivot: Mapping[str, str] = field(default_factory=dict)  # event type -> the column that counts it


@cache
def preset_names() -> tuple[str, ...]:
    """All presets, by name."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


@cache
def read_preset(name: str) -> Preset:
    """One preset; one that says nothing for a blank name."""
    if not name:
        return Preset("", "", "")
    raw = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Preset(
        raw["title"], raw["source"], raw["trap"], raw["columns"], raw.get("where", ""), tuple(raw.get("key", ()))
    )
