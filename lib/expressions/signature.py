"""How an operator or a function is described: what it takes and gives, and how each engine is told to compute it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lib.expressions.kinds import Kind

TAKES: Mapping[str, Kind | None] = {  # a word of `Signature.takes` -> the kind of value; None is any, the same for all
    "text": Kind.TEXT, "whole": Kind.INT, "number": Kind.NUMBER, "decimal": Kind.DECIMAL, "condition": Kind.BOOL,
    "time": Kind.TIME, "date": Kind.DAY, "any": None,
}  # fmt: skip

NUMBERS = ("'digits'", "'start'", "'length'", "'place'", "'group'")  # of those that are written out, whole numbers
SHOWN = {"whole": "whole number", "...": "…"} | {word: word.strip("'") for word in NUMBERS}


@dataclass(frozen=True)
class Signature:
    """One way to call a function or an operator.

    `takes` holds words of `TAKES`, and in quotes names of `literals.READERS`: arguments that must be written out, since
    they are checked here and translated. `...` at the end repeats the word before it. The renderings are templates:
    `{0}` is an argument, `{all}` all with commas, other names are what the reader made of a written argument.
    An argument is named as seldom as can be: calls within calls would double with each.
    """

    name: str
    takes: tuple[str, ...]
    gives: Kind | None  # None: what its arguments are
    does: str
    spark: str
    duckdb: str
    text: str = ""  # of an operator: how it is written; of a function {name}({all})
    words: str = ""  # and how it is told to people

    @property
    def call(self) -> str:
        """How it is called, for people: `replace(text, 'part', text)`, `number + number`."""
        shown = [SHOWN.get(word, word) for word in self.takes]
        if not self.text:
            return f"{self.name}({', '.join(shown)})"
        chain = {name: f" {name.upper()} ".join(shown) for name in ("and", "or")}
        case = "CASE WHEN condition THEN any … ELSE any END"
        return self.text.format(*shown, **chain, case=case, rest=", ".join(shown[1:]))

    def fits(self, count: int) -> bool:
        """Whether so many arguments can be given."""
        return count >= len(self.takes) - 1 if self.takes[-1] == "..." else count == len(self.takes)

    def word(self, place: int) -> str:
        """The word for the argument at a place."""
        words = self.takes[:-1] if self.takes[-1] == "..." else self.takes
        return words[min(place, len(words) - 1)]
