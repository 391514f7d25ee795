"""YAML as nodes that know their line and key: every value is the text that stands there.

YAML's own ideas of dates, numbers and yes do not matter, and what would let one line mean another is refused: anchors,
tags, a key twice.
"""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lib.config.event_kinds import quote_name
from lib.errors import ConfigError

if TYPE_CHECKING:
    import yaml

OPTIONS = "_options"  # ends the keys below which signs stand
_DEPTH = 8  # of lists and mappings within each other: deeper nothing is meant, and the stack ends somewhere


@dataclass(frozen=True)
class Node:
    """A value, and where it stands."""

    file: str
    line: int
    key: str  # with those above it, points between
    value: "str | list[Node] | dict[str, Node]"

    @property
    def place(self) -> str:
        """Where it stands, as errors begin."""
        return f"{self.file}, line {self.line}" + (f", {self.key}" if self.key else "")

    def refuse(self, why: str) -> NoReturn:
        """Raise ConfigError with the place."""
        raise ConfigError(f"{self.place}: {why}")


def read_nodes(file: str, raw: bytes) -> dict[str, Node]:
    """The mapping that a file holds.

    Raises
    ------
    ConfigError
        If it is no YAML or no mapping, has a key twice, or anchors, tags or several documents; the line is named.
    """
    import yaml  # comes with MLflow; help does without

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{file}, line {line}: a byte is no UTF-8: {raw[error.start]:#x}. Save it as UTF-8."
        ) from None
    try:
        _check_events(file, text)
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{file}, line {mark.line + 1 if mark else 1}: no YAML: {_problem(error)}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{file}, line {line}: the sign {chr(error.character)!r} has no place in YAML.") from None
    if root is None:
        raise ConfigError(f"{file}, line 1: the file says nothing. Write a parameter, like action: purchase.")
    node = _to_node(file, "", root, root.start_mark.line + 1)
    if not isinstance(node.value, dict):
        node.refuse("the file must hold keys and values, like action: purchase.")
    return node.value


def _problem(error: "yaml.MarkedYAMLError") -> str:
    text = f"{error.context}, {error.problem}" if error.context else str(error.problem)
    hint = " (quote a text that holds a colon, or begins with a sign)" if "mapping values" in text else ""
    return text.replace("\n", " ") + hint


def _check_events(file: str, text: str) -> None:
    """Refuse what a reader of the file would stumble over; without recursion, and so at any depth."""
    import yaml

    depth = documents = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        node = Node(file, event.start_mark.line + 1 if event.start_mark else 1, "", "")
        if anchor := getattr(event, "anchor", None):
            node.refuse(f"anchors (&{anchor} and *{anchor}) are not read. Write out what is meant.")
        if tag := getattr(event, "tag", None):
            node.refuse(f"the tag {tag} is not read: each value is the text that stands there. Leave it out.")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            node.refuse("a second document begins here, and one is read. Leave out ---.")
        begins = isinstance(event, yaml.CollectionStartEvent)
        depth += begins - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            node.refuse("lists and mappings stand too deep within each other.")


def _to_node(file: str, key: str, node: "yaml.Node", line: int) -> Node:
    """A node of YAML as ours; one of a mapping is where its key stands."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        if node.tag == "tag:yaml.org,2002:null" and node.value:
            Node(file, line, key, "").refuse(
                f"{node.value} is YAML's word for nothing. Leave the value blank for the default, or write none."
            )
        return Node(file, line, key, node.value)
    if isinstance(node, yaml.SequenceNode):
        each = [_to_node(file, f"{key}[{n}]", one, one.start_mark.line + 1) for n, one in enumerate(node.value, 1)]
        return Node(file, line, key, each)
    values: dict[str, Node] = {}
    for name, value in node.value:
        begin = name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode) or not name.value:
            Node(file, begin, key, "").refuse("a key must be a word.")
        inner = f"{key}.{name.value}" if key else name.value
        if name.value in values:
            Node(file, begin, inner, "").refuse(f"the key stands in line {values[name.value].line} too. Keep one.")
        values[name.value] = _to_node(file, inner, value, begin)
    return Node(file, line, key, values)


def format_value(node: Node) -> str:
    """A value as one text: of a list its parts with commas, of a mapping its pairs, of a list of mappings JSON."""
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, dict):
        pairs = _format_pairs(node, plain=True)
        spell = _quote_sign if node.key.endswith(OPTIONS) else str
        return ",".join(f"{name}={spell(text)}" for name, text in pairs.items())
    if any(isinstance(one.value, dict) for one in node.value):
        return json.dumps([_format_pairs(one) for one in node.value], ensure_ascii=False)
    return ",".join(quote_name(format_value(one)) for one in node.value)


def _quote_sign(text: str) -> str:
    """A value of an option as the parameter reads it: a comma would end it, and a quote begin one."""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\"`"
    return "'" + text.replace("'", "''") + "'" if re.search("[,'\"`]", text) and not is_quoted else text


def _format_pairs(node: Node, *, plain: bool = False) -> dict[str, str]:
    if not isinstance(node.value, dict):
        node.refuse("it stands beside entries with keys, and has none.")
    for one in node.value.values():
        if plain and not isinstance(one.value, str):
            one.refuse("it must be a text, like ours: theirs.")
    return {name: format_value(one) for name, one in node.value.items()}
