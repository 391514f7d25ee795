"""An executed notebook as one page without scripts."""

import logging
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
header { color: #57606a; border-bottom: 1px solid #d0d7de; margin-bottom: 1rem; padding-bottom: .5rem }
header b.SUCCESS { color: #1a7f37 } header b.FAILED, header b.TIMEDOUT { color: #b42318 }
.prompt, .anchor-link { display: none }
.cell { margin: 0 0 1.2rem }
pre { font: 12.5px/1.45 ui-monospace, monospace; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.input_area { background: #f6f8fa; border-left: 3px solid #d0d7de; padding: .5rem .8rem }
.output_area { padding: .4rem .8rem }
.output_stderr { color: #6e7781 }
.output_error { background: #fff1f0; border: 1px solid #f5a89f; border-radius: 6px; padding: .6rem .8rem }
.output_png img { max-width: 100% }
.frame { overflow: auto; max-height: 26rem }
table { border-collapse: collapse; font-size: 13px }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #eaeef2; text-align: right; white-space: nowrap }
th { position: sticky; top: 0; background: #fff; border-bottom-color: #8c959f }
.rows { color: #6e7781; font-size: 12px; margin: .2rem 0 }
.ansi-bold { font-weight: 600 } .ansi-red-fg, .ansi-red-intense-fg { color: #b42318 }
.ansi-green-fg { color: #1a7f37 } .ansi-yellow-fg { color: #7d4e00 }
.ansi-blue-fg, .ansi-cyan-fg { color: #0550ae }
"""


def render_notebook(notebook: NotebookNode, path: Path, title: str, state: str, seconds: float) -> str:
    """The page of one executed notebook; the file is named so that its reader finds the source."""
    body, _ = _exporter().from_notebook_node(notebook)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{_STYLE}{_colours()}</style></head><body>\n"
        f'<header>{escape(str(path))} · <b class="{state}">{state}</b> · {seconds:.1f} s</header>\n'
        f"{body}\n</body></html>\n"
    )


@cache
def _exporter() -> Any:
    import nbconvert  # imported while the notebook runs, not before

    untyped: Any = nbconvert
    quiet = logging.getLogger("localrun.notebook.html")
    quiet.setLevel(logging.ERROR)  # that a plot has no alternative text is nothing to stop a run's output for
    return untyped.HTMLExporter(template_name="basic", log=quiet)


@cache
def _colours() -> str:
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    return str(HtmlFormatter(style="default", nobackground=True).get_style_defs(".highlight"))
