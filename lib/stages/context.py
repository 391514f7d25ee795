"""What the stages work with, as one value."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from lib.config.bases import StageConfig
from lib.progress import Say
from lib.registry.protocol import Registry
from lib.tables.protocol import Tables

ConfigT_co = TypeVar("ConfigT_co", bound=StageConfig, covariant=True)


@dataclass(frozen=True)
class Context(Generic[ConfigT_co]):
    """What a stage was asked to do, the tables and registered models it works on, and where it says what it does."""

    config: ConfigT_co
    tables: Tables
    registry: Registry
    say: Say = print
