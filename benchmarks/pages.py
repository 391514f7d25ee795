"""All pages of a home in a browser: quiet, offline, no wider than the screen, readable by everybody, quick, and small.

    apt-get install chromium
    .venv/bin/python -m pip install playwright==1.65.2
    npm pack axe-core@4.14.1 && tar -xzf axe-core-4.14.1.tgz package/axe.min.js
    .venv/bin/python -m benchmarks.pages .home --axe package/axe.min.js --chromium /usr/bin/chromium [--pictures FOLDER]

Opens each page as a file in headless Chromium, 1440 and 390 px wide, light and dark, with scripts and without. A
finding is a message on the console, a request for anything but the page, sideways scrolling, a word that is broken
inside on a phone, a serious finding of axe-core, a report above 1.5 MB or 2 s, or a figure that only a script shows.
Prints them, and fails where there is one. `--pictures` writes pictures of the newest report, of the newest run's page
and of the home's.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
LARGEST, SLOWEST = 1_500_000, 2.0  # bytes and seconds of a report
SERIOUS = ("serious", "critical")
LIMIT = 30  # letters: a longer word than that has to be broken on a phone
WIDER = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"
BROKEN = """limit => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), broken = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest('code, pre, script, style, svg, noscript')) continue;
    for (const match of node.data.matchAll(/[^\\s\\-\\u2010-\\u2015\\/,.;:()]+/g)) {
      if (match[0].length > limit) continue;
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const tops = new Set([...range.getClientRects()].filter(r => r.width > 0).map(r => Math.round(r.top / 4)));
      if (tops.size > 1) broken.add(match[0]);
    }
  }
  return [...broken];
}"""
NAMED = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"


@dataclass(frozen=True)
class Visit:
    """One page as it is opened."""

    path: Path
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name} at {self.width} px, {self.scheme}"


def main() -> int:
    """Visit every page; 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--axe", type=Path, required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    home = asked.home.resolve()
    axe, pages = asked.axe.read_text(encoding="utf-8"), sorted([home / "index.html", *home.glob("r*/*/*.html")])
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        findings = [
            finding
            for path in pages
            for visit in (Visit(path, width, scheme) for width in WIDTHS for scheme in SCHEMES)
            for finding in _visit(browser, visit, axe)
        ]
        findings += [finding for path in pages for finding in _without_scripts(browser, path)]
        if asked.pictures:
            _take_pictures(browser, home, asked.pictures)
        browser.close()
    print(*findings, sep="\n")
    print(f"{len(pages)} pages, each at {WIDTHS} px in {SCHEMES}: {len(findings)} findings")
    return 1 if findings else 0


def _open(browser: Browser, visit: Visit, *, scripts: bool = True) -> Page:
    context = browser.new_context(
        viewport={"width": visit.width, "height": 1000}, color_scheme=visit.scheme, java_script_enabled=scripts
    )
    return context.new_page()


def _visit(browser: Browser, visit: Visit, axe: str) -> Iterator[str]:
    page, said = _open(browser, visit), []
    page.on("console", lambda message: said.append(f"the console says {message.text}"))
    page.on("pageerror", lambda error: said.append(f"a script fails: {error}"))
    page.on(
        "request", lambda request: said.append(f"asks for {request.url}") if _is_other(request.url, visit) else None
    )
    page.goto(visit.path.as_uri())
    seconds, wider = page.evaluate(LOADED), page.evaluate(WIDER)
    findings = [*said, *([f"scrolls sideways by {wider} px"] if wider > 0 else [])]
    if visit.width == min(WIDTHS):
        findings += [f"breaks a word inside: {word}" for word in page.evaluate(BROKEN, LIMIT)]
    page.evaluate(axe)
    for violation in page.evaluate(NAMED):
        if violation["impact"] in SERIOUS:
            findings.append(
                f"{violation['id']}: {violation['nodes'][0]['html'][:120]} ({len(violation['nodes'])} of it)"
            )
    if "reports" in visit.path.parts:
        findings += [f"took {seconds:.1f} s to open"] if seconds > SLOWEST else []
        size = visit.path.stat().st_size
        findings += [f"has {size:,} bytes"] if size > LARGEST else []
    page.context.close()
    return (f"{visit}: {finding}" for finding in findings)


def _is_other(url: str, visit: Visit) -> bool:
    return url.partition("#")[0] != visit.path.as_uri() and not url.startswith("data:")


def _without_scripts(browser: Browser, path: Path) -> Iterator[str]:
    """Every step of the slider is a row of text when no script runs: users, how many act, the share, the profit."""
    page = _open(browser, Visit(path, WIDTHS[0], SCHEMES[0]), scripts=False)
    page.goto(path.as_uri())
    slider = page.query_selector(".slider")
    if slider:
        steps = json.loads(slider.get_attribute("data-steps") or "{}")
        rows = [row.locator("td").all_text_contents() for row in page.locator("#sizes tbody tr").all()]
        wanted = {f"{users:,}" for users in steps["users"] if users}
        yield from (
            f"{path.name}: without scripts, the slider's step of {users} users is not there"
            for users in sorted(wanted - {row[0] for row in rows if len(row) == len(steps)})
        )
    page.context.close()


def _take_pictures(browser: Browser, home: Path, folder: Path) -> None:
    report = max(home.glob("reports/*/????-??-??.html"), key=lambda path: path.stat().st_mtime)
    run = max(home.glob("runs/*/index.html"), key=lambda path: path.parent.name)
    shown = {
        **{f"report-{'desktop' if width > 800 else 'phone'}-{scheme}": Visit(report, width, scheme)
           for width in WIDTHS for scheme in SCHEMES},
        "run-page": Visit(run, WIDTHS[0], SCHEMES[0]), "run-page-phone": Visit(run, WIDTHS[1], SCHEMES[0]),
        "home-page": Visit(home / "index.html", WIDTHS[0], SCHEMES[0]),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, visit in shown.items():
        page = _open(browser, visit)
        page.goto(visit.path.as_uri())
        page.screenshot(path=str(folder / f"{name}.png"))
        page.context.close()


if __name__ == "__main__":
    sys.exit(main())
