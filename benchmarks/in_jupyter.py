"""A notebook in JupyterLab, opened as the README says and run to its end by a browser.

    apt-get install chromium
    .venv/bin/python -m pip install jupyterlab==4.6.6 playwright==1.65.2
    .venv/bin/python -m benchmarks.in_jupyter .home/notebooks/workbench.ipynb --chromium /usr/bin/chromium

Starts the server by the line that `./propensity notebook` prints, opens the file in Chromium, chooses Run All Cells,
and saves until the saved file says that every cell has run: of a long notebook the page itself holds only the cells in
sight. Fails where a cell has not run or ended in an error, or the console of the page has told an error. Prints the
seconds.
"""

import argparse
import json
import secrets
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

from playwright.sync_api import Page, sync_playwright

NOISE = ("favicon", "extensions/api")  # what JupyterLab itself asks for and is not there


def main() -> int:
    """Run one notebook; 0 where all of it ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long the notebook may take")
    parser.add_argument("--picture", type=Path, help="where a picture of the page is written")
    asked = parser.parse_args()
    begun = time.monotonic()
    errors = _in_browser(asked)
    print(f"{asked.file.name}: {time.monotonic() - begun:.0f} s from the server's start to the saved file")
    problems = [*errors, *_unsound_cells(asked.file)]
    print(*problems or ["every cell ran, none with an error"], sep="\n")
    return 1 if problems else 0


def _in_browser(asked: argparse.Namespace) -> list[str]:
    token, port = secrets.token_hex(16), _free_port()
    jupyter = str(Path(sys.prefix) / "bin" / "jupyter")
    server = subprocess.Popen(
        [jupyter, "lab", "--KernelManager.transport=ipc", str(asked.file), "--no-browser", "--allow-root",
         f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    errors: list[str] = []
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
            _run_all(page, f"http://127.0.0.1:{port}/lab/tree/{asked.file.name}?token={token}", asked)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return [text for text in errors if not any(noise in text for noise in NOISE)]


def _free_port() -> int:
    with closing(socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _run_all(page: Page, address: str, asked: argparse.Namespace) -> None:
    """Open the file, wait for its kernel, run all cells, and save."""
    limit = time.monotonic() + 60
    while True:
        try:
            page.goto(address)
            break
        except Exception:
            if time.monotonic() > limit:
                raise
            time.sleep(0.5)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_selector("text=Propensity (local Spark) | Idle", timeout=180_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    limit = time.monotonic() + asked.seconds
    while _is_running(asked.file) and time.monotonic() < limit:
        page.wait_for_timeout(2_000)
        page.keyboard.press("Control+s")
    page.wait_for_timeout(2_000)
    if asked.picture:
        page.screenshot(path=str(asked.picture))


def _is_running(file: Path) -> bool:
    """Whether a cell has not ended yet, and none before it in an error: after one, Jupyter runs no other."""
    cells = _code_cells(file)
    failed = any(output["output_type"] == "error" for _, cell in cells for output in cell["outputs"])
    return not failed and any(cell.get("execution_count") is None for _, cell in cells)


def _code_cells(file: Path) -> list[tuple[int, dict[str, Any]]]:
    cells = enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"], 1)
    return [(number, cell) for number, cell in cells if cell["cell_type"] == "code"]


def _unsound_cells(file: Path) -> list[str]:
    problems = []
    for number, cell in _code_cells(file):
        if cell.get("execution_count") is None:
            problems.append(f"cell {number} has not run")
        problems += [
            f"cell {number}: {output['ename']}: {output['evalue']}"
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]
    return problems


if __name__ == "__main__":
    sys.exit(main())
