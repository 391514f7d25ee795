"""What `display` and `displayHTML` show: reached by keys where it scrolls, and named where it is a page of its own."""

import pandas as pd
import pytest

from localrun.notebook import display


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pages: list[str] = []
    monkeypatch.setattr(display._jupyter, "display", lambda data, raw: pages.append(data["text/html"]))
    return pages


def test_a_table_that_may_scroll_can_be_reached_by_keys(shown: list[str]) -> None:
    display.display(pd.DataFrame({"a": [1]}))
    assert shown[0].startswith('<div class="frame" role="region" tabindex="0" aria-label="Table"><table')


@pytest.mark.parametrize(("head", "name"), [
    ("<title>Who will <b>:\nthe list of today</title>", "Who will &lt;b&gt;:\nthe list of today"),
    ("<title>&#34;a&#34; &amp; \"b\"</title>", "&quot;a&quot; &amp; &quot;b&quot;"), ("", "A page"),
])  # fmt: skip
def test_a_page_of_its_own_is_named_by_its_title(shown: list[str], head: str, name: str) -> None:
    display.displayHTML(f"<!doctype html><html><head>{head}</head><p>far</p></html>")
    assert shown[0].startswith(f'<iframe title="{name}" srcdoc="&lt;!doctype html&gt;')


def test_a_piece_of_html_stays_as_it_is(shown: list[str]) -> None:
    display.displayHTML("<i>raw</i>")
    assert shown == ["<i>raw</i>"]
