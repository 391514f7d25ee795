"""Draw the tasks of a run as one SVG, left to right, without any library or network."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from html import escape
from typing import NamedTuple

from localrun.platform.state import State
from localrun.run.record import TaskRun

_Places = dict[str, tuple[int, int]]
_WIDTH, _HEIGHT = 168, 52  # of a task's box
_GAP_X, _GAP_Y = 34, 30  # so that the six boxes of a row fit a page of 1280 pixels


class Look(NamedTuple):
    """How a state is shown: a sign that tells it without its colour, plain words, and a class of page.css."""

    sign: str
    words: str
    css: str


LOOKS = {
    State.PENDING: Look("·", "waiting", "quiet"),
    State.RUNNING: Look("▸", "running", "running"),
    State.SUCCESS: Look("✓", "success", "success"),
    State.SUCCESS_WITH_FAILURES: Look("!", "success with failures", "failed"),
    State.FAILED: Look("✕", "failed", "failed"),
    State.TIMEDOUT: Look("⧖", "timed out", "failed"),
    State.CANCELED: Look("○", "canceled", "quiet"),
    State.EXCLUDED: Look("○", "skipped", "quiet"),
    State.DISABLED: Look("○", "left out", "quiet"),
    State.UPSTREAM_FAILED: Look("○", "upstream failed", "quiet"),
    State.UPSTREAM_CANCELED: Look("○", "upstream canceled", "quiet"),
}


def draw(tasks: Mapping[str, TaskRun]) -> str:
    """The graph of all tasks; each box links to its executed notebook."""
    places = _places(tasks)
    width = max((x for x, _ in places.values()), default=0) + _WIDTH + 2
    height = max((y for _, y in places.values()), default=0) + _HEIGHT + 2
    pairs = [(key, *edge) for key, task in tasks.items() for edge in task.depends_on]
    edges = "".join(_edge(places, tasks, *pair) for pair in pairs)
    boxes = "".join(_box(tasks[key], x, y) for key, (x, y) in places.items() if key in tasks)
    return (
        f'<svg viewBox="-1 -1 {width} {height}" width="{width}" height="{height}" role="group" '
        'aria-label="Task graph"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>{edges}{boxes}</svg>'
    )


def _layers(tasks: Mapping[str, TaskRun]) -> dict[str, int]:
    """How many tasks lie before each one on its longest way."""
    parents = {key: [before for before, _ in task.depends_on] for key, task in tasks.items()}
    layers: dict[str, int] = {}
    for key in TopologicalSorter(parents).static_order():
        layers[key] = 1 + max((layers[before] for before in parents[key]), default=-1)
    return layers


def _places(tasks: Mapping[str, TaskRun]) -> _Places:
    """Where each box lies, and each crossing of a long edge through a layer, so that no edge meets a box.

    A crossing comes before a box that is as near to its parents: the main line stays straight, and what is
    optional lies below it.
    """
    cells = list(_cells(tasks, _layers(tasks)))
    lanes: dict[str, int] = {}
    for layer in sorted({layer for layer, _, _ in cells}):
        rank = {
            name: (sum(lanes[parent] for parent in parents) / max(1, len(parents)), name in tasks)
            for column, name, parents in cells
            if column == layer
        }
        lanes |= {name: lane for lane, name in enumerate(sorted(rank, key=lambda name: rank[name]))}
    return {name: (layer * (_WIDTH + _GAP_X), lanes[name] * (_HEIGHT + _GAP_Y)) for layer, name, _ in cells}


def _cells(tasks: Mapping[str, TaskRun], layers: Mapping[str, int]) -> Iterator[tuple[int, str, list[str]]]:
    """Layer, name and parents of every box and of every crossing of a long edge."""
    for key, task in tasks.items():
        parents = []
        for before, _ in task.depends_on:
            parent = before
            for layer in range(layers[before] + 1, layers[key]):
                yield layer, f"{before}>{key}@{layer}", [parent]
                parent = f"{before}>{key}@{layer}"
            parents.append(parent)
        yield layers[key], key, parents


def _edge(places: _Places, tasks: Mapping[str, TaskRun], key: str, before: str, outcome: str | None) -> str:
    crossings = sorted(place for name, place in places.items() if name.startswith(f"{before}>{key}@"))
    x, y = places[before][0] + _WIDTH, places[before][1] + _HEIGHT // 2
    label = f'<text class="outcome" x="{x + 4}" y="{y - 9}">{outcome}</text>' if outcome else ""
    path = f"M{x} {y}"
    for left, top in [*crossings, places[key]]:
        middle = top + _HEIGHT // 2
        path += f"C{x + _GAP_X // 2} {y} {left - _GAP_X // 2} {middle} {left} {middle}"
        if (left, top) in crossings:
            path += f"H{left + _WIDTH}"
        x, y = left + _WIDTH, middle
    taken = tasks[before].state is State.SUCCESS and outcome in (None, tasks[before].outcome)
    return f'<path class="edge{" taken" if taken else ""}" d="{path}" marker-end="url(#tip)"/>{label}'


def _box(task: TaskRun, x: int, y: int) -> str:
    look = LOOKS[task.state]
    name = task.key if len(task.key) <= 20 else f"{task.key[:19]}…"
    ran = f" · {task.seconds:.1f} s" if task.has_seconds and task.seconds else ""
    says = f" · {task.outcome}" if task.outcome else ""
    shape = f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="{8 if task.notebook else 26}"/>'
    box = (
        f'<g class="box {look.css}" transform="translate({x} {y})">'
        f'<title>{escape(task.key)}</title>{shape}<text x="16" y="22" class="name">{escape(name)}</text>'
        f'<text x="16" y="40">{look.sign} {look.words}{says}{ran}</text></g>'
    )
    return f'<a href="{escape(task.attempts[-1])}">{box}</a>' if task.attempts else box
