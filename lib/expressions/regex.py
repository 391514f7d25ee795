"""Regular expressions of the part of the language that Java and RE2 read alike; written anew for both."""

import re

HOW = (
    "use characters, . [a-z] [^a-z] \\d \\w \\D \\W, groups ( ) and (?: ), |, ^ and $ at the ends, "
    "and behind one character or class ? * + {2} {1,3}, behind a group ? alone"
)
_TOKEN = re.compile(
    r"(?P<escape>\\[dwDW]|\\[!-/:-@\[-^`{-~])|(?P<open>\(\?:|\((?!\?))|(?P<close>\))|(?P<either>\|)|(?P<any>\.)"
    r"|(?P<start>\^)|(?P<end>\$)|(?P<set>\[\^?(?:\\[dw]|\\[!-/:-@\[-^`{-~]|(?!--)[^\\\[\]&~^])+\])|(?P<many>[?*+]|\{\d{1,2}(?:,\d{1,2})?\})"
    r"|(?P<plain>[^\\()\[\]{}|.^$?*+])"
)
_FIRST = {"", "open", "either"}


class Unreadable(ValueError):
    """A pattern holds what the two engines may read differently."""


def rewrite(pattern: str) -> tuple[str, int]:
    """A pattern as both engines read it alike, and how many groups it has.

    Raises
    ------
    Unreadable
        Says which part cannot be read, and what can.
    """
    written, at, before, opened, groups = "", 0, "", 0, 0
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        kind, part = (match.lastgroup or "", match[0]) if match else ("", pattern[at])
        if not match or not _may_follow(kind, part, before, pattern[match.end() :]):
            raise Unreadable(f"{pattern[at : at + 10]!r} in the pattern {pattern!r} is not read alike; {HOW}")
        groups += part == "("
        opened += (kind == "open") - (kind == "close")
        if opened < 0:
            raise Unreadable(f"a bracket in the pattern {pattern!r} was never opened")
        written += _rewritten(kind, part)
        before, at = kind, match.end()
    if opened:
        raise Unreadable(f"a bracket in the pattern {pattern!r} is not closed")
    try:
        re.compile(written.replace("\\z", "$"))
    except re.error as error:  # a range or a count that goes backwards
        raise Unreadable(f"{error} in the pattern {pattern!r} is not read alike; {HOW}") from None
    return written, groups


def _may_follow(kind: str, part: str, before: str, behind: str) -> bool:
    if kind == "many":  # a repeated group can take Java's whole stack, or for ever
        return before in ("escape", "any", "set", "plain") or (before == "close" and part == "?")
    if kind == "start":
        return before in _FIRST
    if kind == "end":
        return behind[:1] in ("", ")", "|")
    if kind in ("close", "either"):
        return before not in _FIRST
    return not (kind == "set" and re.search(r"\\[dw]-|-\\[dw]", part))


def _rewritten(kind: str, part: str) -> str:
    if kind == "any":
        return "[^\\n]"  # Java's . passes over more kinds of line ends than RE2's
    if kind == "end":
        return "\\z"  # Java's $ also stands before a last line break
    return part
