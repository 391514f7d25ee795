"""`display` and `displayHTML` as a notebook knows them, with Jupyter's own means."""

import html
import re
from io import BytesIO
from typing import Any

from IPython import display as jupyter

_jupyter: Any = jupyter  # its functions carry no types
_SPARK_ROWS = 1000  # what the platform shows of a Spark frame, too
_SHOWN_ROWS = 200  # what the page of a run keeps of any frame


def display(*values: Any) -> None:
    """Show frames as tables, figures as pictures, all else as Jupyter would."""
    for value in values:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        if kind.startswith("pyspark.sql.") and kind.endswith(".DataFrame"):
            _show_frame(value.limit(_SPARK_ROWS).toPandas())
        elif kind == "pandas.core.frame.DataFrame":
            _show_frame(value)
        elif kind == "matplotlib.figure.Figure":
            _show_figure(value)
        else:
            _jupyter.display(value)


def displayHTML(text: str) -> None:
    """Show a piece of HTML; a whole document in a frame of its own, as the platform does: its styles stay in it."""
    if text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        grow = "this.style.height = this.contentDocument.documentElement.scrollHeight + 'px'"
        style = "width: 100%; height: 60em; border: 0"
        title = re.search("<title>(.*?)</title>", text, re.DOTALL)
        name = html.escape(html.unescape(title.group(1))) if title else "A page"
        text = f'<iframe title="{name}" srcdoc="{html.escape(text)}" style="{style}" onload="{grow}"></iframe>'
    _jupyter.display({"text/html": text, "text/plain": "HTML"}, raw=True)  # as an object it would warn of the frame


def _show_frame(frame: Any) -> None:
    if frame.dropna(how="all").empty:  # all that it holds is blank
        _jupyter.display({"text/html": '<p class="rows">no rows</p>', "text/plain": "no rows"}, raw=True)
        return
    named = frame.index.names != [None] or frame.index.dtype.kind not in "iu"
    table = frame.to_html(max_rows=_SHOWN_ROWS, index=named, border=0, na_rep="null", float_format=_number)
    cut = f", {_SHOWN_ROWS} shown" if len(frame) > _SHOWN_ROWS else ""
    text = frame.to_string(max_rows=20, index=named, na_rep="null", float_format=_number)
    rows = f'<p class="rows">{html.escape(f"{len(frame)} rows{cut}")}</p>'
    page = f'<div class="frame" role="region" tabindex="0" aria-label="Table">{table}</div>{rows}'
    _jupyter.display({"text/html": page, "text/plain": text}, raw=True)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _show_figure(figure: Any) -> None:
    # Jupyter draws only figures that pyplot made, and only once pyplot was imported; of others it shows their name.
    import matplotlib.pyplot as plt

    picture = BytesIO()
    figure.savefig(picture, format="png")
    _jupyter.display(_jupyter.Image(picture.getvalue()))
    plt.close(figure)  # or Jupyter shows it once more at the end of the cell
