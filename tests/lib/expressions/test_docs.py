"""The page on expressions shows the lists as they are."""

from pathlib import Path

from lib.expressions.expression import parse
from lib.expressions.kinds import Struct
from lib.expressions.listing import BEGIN, END, render_lists, replace_block

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
NAMES = {
    "event_timestamp": "bigint", "day": "string", "properties": Struct({"price": "double"}), "quantity": "bigint",
    "revenue_cents": "bigint", "is_staff": "boolean", "email": "string", "user_agent": "string", "customer": "double",
    "event_properties": "string", "unit price": "double", "user_id": "string", "device_id": "string",
    "received_at": "timestamp",
}  # fmt: skip


def test_it_shows_the_lists():
    """`python -m benchmarks.expressions --docs` writes them anew."""
    assert replace_block(PAGE) == PAGE
    assert PAGE.count(BEGIN) == PAGE.count(END) == 1
    assert render_lists() in PAGE


def test_its_examples_are_read():
    """Each line of its first block is one, with its column before it where there is one."""
    block = PAGE.partition("```\n")[2].partition("```")[0]
    lines = [line.partition("#")[0].strip() for line in block.splitlines() if line.strip()]
    assert len(lines) > 8
    for line in lines:
        parse(
            line.partition("=")[2] if line.startswith(("event_", "value=", "user_id=", "known_at=")) else line,
            names=NAMES,
        )
