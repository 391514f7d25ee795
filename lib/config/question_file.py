"""The question file: what a run is asked, in YAML whose keys are the parameters of the catalogue.

    events: clicks.parquet
    questions:
      buy: {action: purchase, horizon_days: 28}
      read: {action: read, horizon_days: 7, export: readers.csv}

What stands outside of `questions` holds for all of them. What is given by hand counts over the file, and the file over
the catalogue's defaults. Each error names the line and the key.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from lib.config import secrets
from lib.config.catalogue import all_parameters, check_all
from lib.config.kinds import is_none
from lib.config.parameters import Get, first_given, merge
from lib.config.question import Question
from lib.config.question_kinds import NAME
from lib.config.yaml_nodes import Node, format_value, read_nodes
from lib.errors import ConfigError

PARAMETER = "question_file"
QUESTIONS = "questions"  # the key below which several stand


@dataclass(frozen=True)
class Entry:
    """One question of a run, with what a file says for it; without a file, nothing."""

    name: str = ""  # as the file calls it; blank where it calls it nothing
    said: Mapping[str, Node] = field(default_factory=dict)  # by parameter: its own, and those of all questions
    own: frozenset[str] = frozenset()  # the parameters said of this question alone
    place: str = ""  # where it stands, as errors begin; blank without a file

    @property
    def texts(self) -> dict[str, str]:
        """What the file says, by parameter."""
        return {name: str(node.value) for name, node in self.said.items()}

    def over(self, given: Mapping[str, str]) -> dict[str, str]:
        """The parameters of this question: what is given by hand, then what the file says."""
        return merge(given, self.texts)

    def get(self, given: Get) -> Get:
        """The same, of one parameter at a time."""
        texts = self.texts
        return lambda name: first_given(given(name), texts.get(name, ""))

    def check(self, given: Mapping[str, str]) -> None:
        """Read the parameters of all stages.

        Raises
        ------
        ConfigError
            As a stage would; with a file, the message begins with the line and key that it speaks of.
        """
        with self.placing(given) as over:
            check_all(over)

    @contextmanager
    def placing(self, given: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """The parameters of this question, while they are looked at; an error begins with the line that it speaks of.

        Raises
        ------
        ConfigError
            Whatever was raised, with its place.
        """
        over = self.over(given)
        try:
            yield over
        except ConfigError as error:
            named = [word for word in re.findall(r"\w+", str(error)) if over.get(word)]
            if not named:  # it speaks of what nobody says
                place = self.place
            else:
                by_file = named[0] in self.said and over[named[0]] == self.texts[named[0]]
                place = self.said[named[0]].place if by_file else ""
            raise ConfigError(f"{place}: {error}" if place else str(error)) from error


@dataclass(frozen=True)
class QuestionFile:
    """A file that was read: its text, and an entry for each question."""

    text: str
    entries: tuple[Entry, ...]

    @property
    def common(self) -> dict[str, str]:
        """What it says for all questions alike; of a single one, all that it says."""
        several = len(self.entries) > 1
        own = frozenset().union(*(one.own for one in self.entries)) if several else frozenset()
        return {name: text for name, text in self.entries[0].texts.items() if name not in own}

    @property
    def names(self) -> frozenset[str]:
        """All parameters that it says, of whatever question."""
        return frozenset().union(*(one.said for one in self.entries))


def read_entries(given: Get, root: str) -> tuple[Entry, ...]:
    """The questions of a run: those of the file that is given, found from the bundle's folder; else the one given.

    Raises
    ------
    ConfigError
        As `read_question_file`.
    """
    path = given(PARAMETER).strip()
    return (Entry(),) if is_none(path) else read_question_file(Path(root) / path).entries


def find_entry(entries: tuple[Entry, ...], name: str) -> Entry:
    """The question of this name; the first where it is blank.

    Raises
    ------
    ConfigError
        If there is none of that name; the message has those that there are.
    """
    meant = [entry for entry in entries if name.strip() in ("", entry.name)]
    if not meant:
        names = ", ".join(entry.name for entry in entries if entry.name) or "one without a name"
        raise ConfigError(f"There is no question {name!r}. There is {names}.")
    return meant[0]


def check_entries(entries: tuple[Entry, ...], given: Mapping[str, str]) -> None:
    """Read the parameters of all stages for each question, and see that each asks, and writes, something of its own.

    Raises
    ------
    ConfigError
        The message begins with the line and key that it speaks of.
    """
    asked: dict[str, Entry] = {}
    written: dict[str, Entry] = {}
    for entry in entries:
        entry.check(given)
        if len(entries) == 1:
            return
        over = entry.over(given)
        slug = Question.of(over).slug
        if twin := asked.get(slug):
            raise ConfigError(f"{entry.place}: it asks what {twin.place} asks, {slug}. Leave one out.")
        export = over.get("export", "")
        if not is_none(export) and (other := written.get(export)):
            raise ConfigError(f"{entry.place}: it exports to {export}, as {other.place} does. Name a file for each.")
        asked[slug] = written[export] = entry


def read_question_file(path: Path) -> QuestionFile:
    """Read a file, and each of its values by itself: what belongs together may be given by hand yet.

    Raises
    ------
    ConfigError
        If it is not there, is no YAML, or says what no parameter takes; the message begins with the line and key.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{PARAMETER} names {path}, which cannot be read: {error.strerror}.") from error
    nodes = read_nodes(path.name, raw)
    questions = _read_questions(nodes.pop(QUESTIONS)) if QUESTIONS in nodes else {}
    common = dict(_read_values(nodes, path.parent, of_question=False))
    entries = []
    for name, node in questions.items():
        own = dict(_read_values(_mapping_of(node), path.parent, of_question=True))
        entries.append(Entry("" if name.isdigit() else name, common | own, frozenset(own), node.place))
    text = raw.decode("utf-8-sig")
    _check_no_secret(path.name, text)
    return QuestionFile(text, tuple(entries) or (Entry("", common, frozenset(), path.name),))


def _read_questions(node: Node) -> dict[str, Node]:
    """The questions by their names, or in a list by their numbers."""
    if isinstance(node.value, list) and node.value:
        return {str(number): one for number, one in enumerate(node.value)}
    if not isinstance(node.value, dict) or not node.value:
        node.refuse("it must hold questions, like buy: {action: purchase}, each with its own parameters.")
    for name, one in node.value.items():
        if not NAME.fullmatch(name):
            one.refuse("a question's name must be of small letters, digits and _, begin with a letter, and be short.")
    return node.value


def _mapping_of(node: Node) -> dict[str, Node]:
    if node.value == "":  # a name alone: all that stands outside of it
        return {}
    if not isinstance(node.value, dict):
        node.refuse("a question must hold parameters, like {action: purchase, horizon_days: 28}.")
    return node.value


def _read_values(nodes: Mapping[str, Node], folder: Path, *, of_question: bool) -> Iterator[tuple[str, Node]]:
    """What is said, each value read as its parameter is, with its paths found from the file's folder."""
    parameters = all_parameters()
    usable = [name for name, each in parameters.items() if not each.is_filled and name != PARAMETER]
    for name, node in nodes.items():
        if name in parameters and name not in usable:
            node.refuse("the job itself says this. Leave it out here; its places are in databricks.yml.")
        if name not in parameters:
            near = get_close_matches(name, [*usable, *([] if of_question else [QUESTIONS])], n=1)
            node.refuse(f"there is no such parameter.{f' Did you mean {near[0]}?' if near else ''}")
        if of_question and parameters[name].of_run:
            node.refuse(f"all questions of a run have this in common. Say it outside of {QUESTIONS}.")
        text = format_value(node).strip()
        if "{{" in text or "${" in text:
            node.refuse(f"nothing fills in {text!r} here, as databricks.yml would. Write what is meant.")
        if not text:  # blank is not given
            continue
        try:
            parameters[name].kind.read(name, text)
        except ConfigError as error:
            node.refuse(str(error))
        yield name, replace(node, value=parameters[name].kind.below(text, folder))


def _check_no_secret(file: str, text: str) -> None:
    """Refuse a password in clear wherever it stands, in a comment too: the file is kept with each run."""
    for number, line in enumerate(text.splitlines(), 1):
        if secrets.holds_clear(line):
            raise ConfigError(
                f"{file}, line {number}: it holds a password in clear, and each run keeps this text. Write "
                "secret(scope/key) in its place."
            )
