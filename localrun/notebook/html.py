"""An executed notebook as one page without scripts."""

import logging
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --soft: #f6f8fa;
  --link: #1f5fbf; --good: #1a7f37; --bad: #b42318; --bad-soft: #fff1f0 }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --text: #e4e9f0; --dim: #98a5b5; --line: #2c3542;
  --soft: #1a2029; --link: #7fb0ff; --good: #5fce94; --bad: #ff8b86; --bad-soft: #3a1b1c } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 76rem;
  margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: anywhere }
a { color: var(--link) }
nav.around { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: 14px; min-height: 1.4rem }
header { color: var(--dim); border-bottom: 1px solid var(--line); margin-bottom: 1rem; padding-bottom: .5rem }
header b.SUCCESS { color: var(--good) } header b.FAILED, header b.TIMEDOUT { color: var(--bad) }
.prompt, .anchor-link { display: none }
.cell { margin: 0 0 1.2rem }
pre { font: 12.5px/1.45 ui-monospace, monospace; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.input_area { background: var(--soft); border-left: 3px solid var(--line); padding: .5rem .8rem }
.output_area { padding: .4rem .8rem; min-width: 0 }
.output_stderr { color: var(--dim) }
.output_error { background: var(--bad-soft); border: 1px solid var(--bad); border-radius: 6px; padding: .6rem .8rem }
.output_png img, .output_svg svg { max-width: 100%; height: auto }
.frame { overflow: auto; max-height: 26rem; background: linear-gradient(to left, var(--page) 40%, transparent) right /
  2.5rem 100% no-repeat local, linear-gradient(to left, var(--line), transparent) right / 1rem 100% no-repeat scroll }
details { margin: .6rem 0 1rem } summary { cursor: pointer; font-weight: 600 }
table { border-collapse: collapse; font-size: 13px }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
.used th, .used td { text-align: left; white-space: normal }
.used td:first-child { overflow-wrap: normal }
th { position: sticky; top: 0; background: var(--page) }
.rows { color: var(--dim); font-size: 12px; margin: .2rem 0 }
.ansi-bold { font-weight: 600 } .ansi-red-fg, .ansi-red-intense-fg { color: var(--bad) }
.ansi-green-fg { color: var(--good) } .ansi-yellow-fg { color: var(--dim) }
.ansi-blue-fg, .ansi-cyan-fg { color: var(--link) }
"""
_WIDGETS = re.compile(r"^# parameters begin: widgets.*?^# parameters end$", re.DOTALL | re.MULTILINE)


def render_notebook(
    notebook: NotebookNode, path: Path, title: str, state: str, seconds: float, used: Mapping[str, str] | None = None
) -> str:
    """The page of one executed notebook, with the parameters that it used in the place of its widgets' defaults.

    The file is named so that its reader finds the source; its run's page lies beside it.
    """
    body, _ = _exporter().from_notebook_node(_without_widgets(notebook) if used else notebook)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>\n'
        f"<style>{_STYLE}{_colours()}</style></head><body>\n"
        f'<nav class="around" aria-label="Other pages"><a href="index.html">This run</a></nav>\n'
        f'<header><code>{escape(str(path))}</code> · <b class="{state}">{state}</b> · {seconds:.1f} s</header>\n'
        f"{_format_used(used or {})}{body}\n</body></html>\n"
    )


def _without_widgets(notebook: NotebookNode) -> NotebookNode:
    """The same without the cell's hundred lines that declare widgets: what they held is told above."""
    shown = deepcopy(notebook)
    for cell in shown.cells:
        cell.source = _WIDGETS.sub("# the widgets: their values stand above", cell.source)
    return shown


def _format_used(used: Mapping[str, str]) -> str:
    if not used:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{f'<code>{escape(value)}</code>' if value else 'blank'}</td></tr>"
        for name, value in used.items()
    )
    head = "<thead><tr><th>Name</th><th>Value</th></tr></thead>"
    table = f'<table class="used">{head}<tbody>{rows}</tbody></table>'
    return f"<details><summary>{len(used)} parameters as used</summary>{table}</details>\n"


def prepare() -> None:
    """Import what pages are made with: half a second that a notebook takes anyway, and its end need not."""
    _exporter()
    _colours()


@cache
def _exporter() -> Any:
    import nbconvert  # by `prepare`, while a notebook runs

    untyped: Any = nbconvert
    quiet = logging.getLogger("localrun.notebook.html")
    quiet.setLevel(logging.ERROR)  # that a plot has no alternative text is nothing to stop a run's output for
    return untyped.HTMLExporter(template_name="basic", log=quiet)


@cache
def _colours() -> str:
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    styles = (HtmlFormatter(style=name, nobackground=True) for name in ("default", "github-dark"))
    light, dark = (style.get_style_defs(".highlight") for style in styles)
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
