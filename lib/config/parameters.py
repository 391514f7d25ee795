"""A parameter is a field of a frozen dataclass: kind, default and meaning stand there, and nowhere else.

    max_ece: float = parameter("0.05", decimal(0, 1), "how far scores and observed rates may lie apart on average")

Parsing follows from the fields. A blank text is a parameter that was not given: the default takes its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self, TypeVar, cast, get_type_hints

from lib.config.kinds import NONE, Kind
from lib.errors import ConfigError

Get = Callable[[str], str]  # the text of a parameter, by its name
T = TypeVar("T")
_KEY = "parameter"


class Group(StrEnum):
    """What parameters are shown by; what matters on the first day comes first."""

    QUESTION = "The events and the question"
    MORE = "What else can be asked"
    READING = "How the events are read"
    LIST = "The list"
    LEARNING = "What is learnt from"
    SEARCH = "The search for a model"
    VERDICT = "When models are replaced"
    LIMITS = "When a run is stopped or a list kept back"
    KEPT = "How long things are kept"
    PLACES = "Where things are kept"
    JOB = "What the job fills in"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter: how its text is read, and how it is shown to whoever sets it."""

    name: str
    group: Group
    default: str
    kind: Kind[Any]
    meaning: str  # one line
    words: str  # what not giving it comes to, where the default does not say
    job: str  # what the deployed job gives; it may refer to the bundle's variables
    widget: str  # what its widget holds in a notebook opened by hand, where only the job knows better
    of_run: bool  # whether all questions of a run have it in common

    @property
    def shown(self) -> str:
        """What not giving it comes to; blank where there is no doing without."""
        return self.words or self.default or ("" if self.is_required else NONE)

    @property
    def is_required(self) -> bool:
        """Whether there is no value unless somebody gives one."""
        try:
            self.kind.read(self.name, self.default)
        except ConfigError:
            return True
        return False

    @property
    def is_filled(self) -> bool:
        """Whether the job itself says it: what a run is, and where the bundle keeps things."""
        return self.group is Group.JOB or bool(self.job and not re.fullmatch(r"\$\{var\.\w+\}", self.job))

    def read(self, get: Get) -> Any:
        """The value, from the text that was given or the default.

        Raises
        ------
        ConfigError
            The message names the parameter, what it takes and what was found.
        """
        return self.kind.read(self.name, first_given(get(self.name).strip(), self.default))


def parameter(
    default: str,
    kind: Kind[T],
    meaning: str,
    *,
    name: str = "",
    group: Group | None = None,
    shown: str = "",
    job: str = "",
    widget: str = "",
    of_run: bool | None = None,
    unread: Any = MISSING,
) -> T:
    """Declare a parameter as a field of a `FromWidgets`. Name, group and `of_run` are the field's and its class's,
    unless given.

    `unread` is the value of a field that only `from_widgets` fills in.
    """
    said = {"default": default, "kind": kind, "meaning": meaning, "words": shown, "job": job, "widget": widget}
    return cast(T, field(default=unread, metadata={_KEY: said | {"name": name, "group": group, "of_run": of_run}}))


class FromWidgets:
    """A frozen dataclass of parameters, and of others such as itself."""

    def __init_subclass__(cls, group: Group | None = None, of_run: bool = False) -> None:
        for name, own in vars(cls).items():
            if isinstance(own, Field) and (said := own.metadata.get(_KEY)):
                common = of_run if said["of_run"] is None else said["of_run"]
                full = {**said, "name": said["name"] or name, "group": said["group"] or group, "of_run": common}
                own.metadata = MappingProxyType({_KEY: Parameter(**full)})

    @classmethod
    def from_widgets(cls, get: Get) -> Self:
        """Read every field, by the names of its parameters.

        Raises
        ------
        ConfigError
            If a text cannot be read; the message names its parameter.
        """
        kinds = get_type_hints(cls)
        values = {}
        for own in fields(cast(Any, cls)):
            declared = own.metadata.get(_KEY)
            values[own.name] = declared.read(get) if declared else kinds[own.name].from_widgets(get)
        return cls(**values)

    @classmethod
    def parameters(cls) -> Iterator[Parameter]:
        """All that `from_widgets` reads, in the order of the fields."""
        kinds = get_type_hints(cls)
        for own in fields(cast(Any, cls)):
            declared = own.metadata.get(_KEY)
            yield from [declared] if declared else kinds[own.name].parameters()


def first_given(*texts: str) -> str:
    """The first text that is not blank; blank where all are."""
    return next((text for text in texts if text.strip()), "")


def merge(*layers: Mapping[str, str]) -> dict[str, str]:
    """All parameters of some layers, the strongest layer first: given by hand, a question file, the catalogue.

    A blank text gives nothing.
    """
    names = dict.fromkeys(name for layer in layers for name in layer)
    return {name: first_given(*(layer.get(name, "") for layer in layers)) for name in names}
