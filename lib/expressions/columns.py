"""Find what a name means: a column of the source, or a field inside of one."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from lib.expressions.foreign import why_not
from lib.expressions.kinds import Kind, MapOf, Struct, Type, kind_of
from lib.expressions.tree import Field


def find_field(parts: Sequence[str], names: Mapping[str, Type]) -> Field | str:
    """The field of a dotted name; what is wrong with it, where there is none."""
    here: Type = Struct(names)
    path: list[str] = []
    maps: list[bool] = []
    for part in parts:
        if isinstance(here, str):
            return f"{'.'.join(path)!r} is {here} and has no fields"
        if isinstance(here, MapOf):
            path, maps, here = [*path, part], [*maps, True], here.value
            continue
        name = _pick(part, here.fields)
        if name is None:
            return _missing(part, path, here.fields, ".".join(parts), names)
        path, maps, here = [*path, name], [*maps, False], here.fields[name]
    full_name = ".".join(path)
    if not isinstance(here, str):
        return f"{full_name!r} holds several values: name one of its fields, like {full_name}.{_example(here)}"
    kind = kind_of(here)
    if kind is None:
        return f"{full_name!r} is {here}, which no expression can read; there are {', '.join(one for one in Kind)}"
    return Field(tuple(path), tuple(maps[1:]), kind)


def has_field(parts: Sequence[str], names: Mapping[str, Type]) -> bool:
    """Whether there is something of a dotted name, readable or not."""
    here: Type = Struct(names)
    for part in parts:
        if not isinstance(here, Struct):
            return True
        alike = [name for name in here.fields if name.lower() == part.lower()]
        if len(alike) != 1:
            return bool(alike)
        here = here.fields[alike[0]]
    return True


def _pick(part: str, fields: Iterable[str]) -> str | None:
    """The field of that name; where none has it to the letter, the only one that differs in case alone."""
    alike = [name for name in fields if name.lower() == part.lower()]
    return alike[0] if len(alike) == 1 else None


def _missing(part: str, path: Sequence[str], fields: Mapping[str, Type], whole: str, names: Mapping[str, Type]) -> str:
    alike = [name for name in fields if name.lower() == part.lower()]
    if alike:
        return f"{part!r} could be {' or '.join(map(repr, alike))}, which Spark does not tell apart: rename one of them"
    owner = f"{'.'.join(path)!r} has no field" if path else "the events have no column"
    reason = why_not(part.lower()) if not path else None
    if reason:
        return f"{owner} {part!r}, and {reason}"
    if whole in names and not path:
        return f"{owner} {part!r}; the column {whole!r} is written in backticks, `{whole}`"
    near = get_close_matches(part, fields, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"found: {', '.join(list(fields)[:30])}"
    return f"{owner} {part!r}; {hint}"


def _example(kind: Struct | MapOf) -> str:
    return next(iter(kind.fields), "name") if isinstance(kind, Struct) else "key"
