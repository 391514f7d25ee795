"""What all pages of a home share: a document that needs nothing else, and the links to the pages around it."""

import os
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

Link = tuple[str, str]  # what it says, and where it leads, from the page's own folder
_AROUND = re.compile(r'<nav class="around" aria-label="Other pages">.*?</nav>', re.DOTALL)


def render_document(
    title: str, parts: Iterable[str], links: Sequence[Link] | None = None, *, reload: bool = False
) -> str:
    """A page as HTML, with its style in it; `parts` are HTML already. None: it has no place for links."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    again = '<meta http-equiv="refresh" content="2">' if reload else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{'' if links is None else format_around(links)}{''.join(parts)}</main></body></html>\n"
    )


def format_around(links: Iterable[Link]) -> str:
    """The links to other pages: up, back and forward, as far as there are any."""
    anchors = "".join(f'<a href="{escape(place)}">{escape(text)}</a> ' for text, place in links)
    return f'<nav class="around" aria-label="Other pages">{anchors.strip()}</nav>'


def put_around(path: Path, links: Iterable[Link]) -> None:
    """Put these links into a page in the place of those that it has; a page without a place for them stays."""
    page = path.read_text(encoding="utf-8")
    linked = _AROUND.sub(lambda _: format_around(links), page, count=1)
    if linked != page:
        replace_text(path, linked)


def replace_text(path: Path, text: str) -> None:
    """Write a file whole, so that a reader never meets a half."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def relative(target: Path, folder: Path) -> str:
    """The way from a folder to a file, as a link: it holds wherever both are moved to together."""
    return Path(os.path.relpath(target, folder)).as_posix()


def neighbours(paths: Sequence[Path], place: int, names: tuple[str, str]) -> list[Link]:
    """Links from one of some pages, in order, to the one before and the one after it."""
    before, after = place - 1, place + 1
    links = [(names[0], before)] * (before >= 0) + [(names[1], after)] * (after < len(paths))
    return [(name, relative(paths[other], paths[place].parent)) for name, other in links]
