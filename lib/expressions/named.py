"""Actions that a person names: the events of one type whose rows of the source meet a condition."""

from dataclasses import dataclass, field
from hashlib import sha1

DIGITS = 12  # of the digest that tells two definitions of one name apart


@dataclass(frozen=True, order=True)
class NamedAction:
    """One of them. Two are equal where name, type and what the condition says are the same, however it is written."""

    name: str
    event_type: str  # whose rows are looked at
    same: str  # one text of all spellings of the condition
    where: str = field(compare=False)  # the condition, as it was written

    @property
    def kind(self) -> str:
        """The event type under which its events are kept: another definition of the same name is another one."""
        said = f"{self.event_type}\n{self.same}"
        return f"{self.name}_{sha1(said.encode(), usedforsecurity=False).hexdigest()[:DIGITS]}"

    @property
    def definition(self) -> str:
        """What it is, as it is written behind the name and the equals sign."""
        return f"{quote_type(self.event_type)} WHERE {self.where}"


def quote_type(name: str) -> str:
    """An event type as it stands before WHERE: in single quotes, unless it is one plain word and not WHERE itself."""
    return name if name.isidentifier() and name.lower() != "where" else "'" + name.replace("'", "''") + "'"
