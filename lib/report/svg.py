"""An SVG element that stands in an HTML page: its colours are the page's own, its marks tell their values."""

import json
import re
from collections.abc import Callable, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Drawn in colours that nothing else has, which then become the page's.
INK, GRID, FIRST, SECOND = "#010203", "#010204", "#010205", "#010206"
COLOURS = {INK: "currentColor", GRID: "var(--line)", FIRST: "var(--first)", SECOND: "var(--second)"}
STYLE: dict[Any, Any] = {  # of matplotlib's parameters
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and set in the page's font
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same measures everywhere
    "font.size": 9.5, "axes.labelsize": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GRID, "xtick.color": GRID, "ytick.color": GRID,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID, "grid.linewidth": 0.6,
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "lines.linewidth": 1.6, "lines.markersize": 5, "errorbar.capsize": 3,
}  # fmt: skip
WIDTH = 4.6  # inches: on a phone's screen the letters then keep about their size
_NAMED = "named:"  # begins the id of what has texts, until these stand in it


def draw_svg(title: str, draw: Callable[["Axes"], None], height: float = 2.7) -> str:
    """Draw, and make of it an element that needs nothing but the page: no ids of others, no namespace, no date."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.rcsetup import cycler

    page = StringIO()
    # Ids of markers and clips are digests of the salt: the same each time, and others in each plot.
    style = STYLE | {"svg.hashsalt": title, "axes.prop_cycle": cycler(color=[FIRST, SECOND])}
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.subplots())
        figure.savefig(
            page, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    document = page.getvalue()
    view = re.search(r'viewBox="[^"]*"', document)
    body = document[document.index(">", document.index("<svg")) + 1 :]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would hold for the whole page
    body = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", body).replace("xlink:href", "href")
    body = _set_titles(body)
    body = re.sub(r"((?:fill|stroke): )(#[0-9a-f]{6})", lambda match: match[1] + COLOURS.get(match[2], match[2]), body)
    return f'<svg role="img" {view[0] if view else ""}><title>{escape(title)}</title>{body.strip()}'


def name_marks(artist: Any, texts: Sequence[str]) -> None:
    """Give each marker of a line, or a bar, a text that shows when the pointer rests on it."""
    artist.set_gid(_NAMED + quote(json.dumps(list(texts)), safe=""))


def _set_titles(body: str) -> str:
    """Put the texts of named lines and bars where SVG has them: a title in each marker, or in the bar."""
    start, *named = re.split(rf'<g id="{_NAMED}([^"]*)">', body)
    for texts, piece in zip(named[::2], named[1::2], strict=True):
        titles = [f"<title>{escape(text)}</title>" for text in json.loads(unquote(texts))]
        if "<use" in piece.partition("</g>")[0]:
            start += f"<g>{_title_marks(piece, titles)}"
        else:
            start += f"<g>{titles[0]}{piece}"
    return start


def _title_marks(piece: str, titles: Sequence[str]) -> str:
    left = iter(titles)
    return re.sub(r"(<use [^>]*)/>", lambda use: f"{use[1]}>{next(left)}</use>", piece, count=len(titles))
