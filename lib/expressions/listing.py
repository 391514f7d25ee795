"""The lists as tables, for docs/expressions.md."""

from lib.expressions.functions import GROUPS
from lib.expressions.operators import OPERATORS
from lib.expressions.signature import Signature

BEGIN, END = "<!-- the lists of lib/expressions begin -->", "<!-- the lists of lib/expressions end -->"


def render_lists() -> str:
    """All operators and functions in Markdown: how each is called, what it gives, what it does."""
    parts = [_table("Operators", OPERATORS), *(_table(name, group) for name, group in GROUPS.items())]
    return "\n\n".join(parts)


def replace_block(page: str) -> str:
    """A page with the lists between its two marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{render_lists()}\n{END}{rest.partition(END)[2]}"


def _table(title: str, signatures: tuple[Signature, ...]) -> str:
    lines = [f"### {title}", "", "| written | gives | what it does |", "|---|---|---|"]
    for one in signatures:
        call = one.call.replace("|", "\\|")
        lines.append(f"| `{call}` | {one.gives or 'the same'} | {one.does.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)
