"""A first question file for what was looked at, to be changed by hand."""

import json
import re
from collections.abc import Iterator

from lib.config.catalogue import all_parameters
from lib.looking.look import Look, first_parameters

_PLAIN = re.compile(r"(?!(?:null|~)$)[\w./][\w./ -]*", re.IGNORECASE)  # what stands as it is
_QUESTION = ("action", "horizon_days", "cohort_days")
_OTHERS = 4  # event types shown as further questions


def format_file(seen: Look, given: dict[str, str]) -> str:
    """The text of a question file: what was said and seen, one question, and others to choose from as comments."""
    return "\n".join(_lines(seen, first_parameters(seen, given))) + "\n"


def _lines(seen: Look, said: dict[str, str]) -> Iterator[str]:
    yield "# What a run is asked. The keys are the parameters of README.md; blank is not given, none says that there is"
    yield "# to be nothing. What is given by hand counts over this file: ./propensity run --param NAME=VALUE"
    yield ""
    for name, text in said.items():
        if name not in _QUESTION:
            yield f"{name}: {quote_text(text)} # {all_parameters()[name].meaning}"
    yield from ("", "questions: # what stands above holds for each of them", "  first:")
    question = {"cohort_days": "90"} | {name: said[name] for name in _QUESTION if name in said}
    for name in _QUESTION:
        if name in question:
            yield f"    {name}: {quote_text(question[name])} # {all_parameters()[name].meaning}"
    others = [kind.name for kind in seen.measures.kinds if kind.name != seen.action][:_OTHERS]
    yield "    # value_of_action: # what an action is worth, and with"
    yield "    # cost_of_contact: # whom contacting pays for, in a file: export: list.csv"
    if others:
        yield f"  # other actions that the events know: {', '.join(others)}"


def quote_text(text: str) -> str:
    """A text as YAML has it on one line."""
    return text if _PLAIN.fullmatch(text) and text == text.strip() else json.dumps(text, ensure_ascii=False)
