"""The report of one run: a page of HTML that needs nothing else, for readers who know the product and not the models.

The texts stand in `report.html.j2`; `lib.report.sections` says what they are about.
"""

from pathlib import Path

from lib.errors import ContractBroken
from lib.report.amounts import format_day
from lib.report.facts import Facts
from lib.report.sections import make_sections

__all__ = ["Facts", "render_page"]


def render_page(facts: Facts) -> str:
    """Write the report.

    Returns
    -------
    str
        One HTML document: styles, script and plots are in it, nothing is loaded. The same facts give the same text.

    Raises
    ------
    ContractBroken
        If the list is empty.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if facts.audience.empty:
        raise ContractBroken(
            f"The list of {facts.as_of} for {facts.question} is empty, so there is nothing to report. Publish it first."
        )
    # User ids and event names are anybody's text: all that is not a plot of ours is escaped.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["in_words"] = format_day
    return environment.get_template("report.html.j2").render(facts=facts, **make_sections(facts)).lstrip()
