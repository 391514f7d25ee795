"""What documents and door plates say of the project's files: each is there, and the pictures show what is so."""

import ast
import re
import tomllib
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from lib.attributes.columns import Attribute, Kind
from lib.tables.memory import MemoryTables
from lib.tables.views import with_views
from tests.builders.attributes import put_users
from tests.builders.identity_checks import put_identities
from tests.builders.runs import AS_OF, NEXT, World, log

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PLATES = sorted(path for top in ("lib", "cli", "localrun") for path in ROOT.glob(f"{top}/**/__init__.py"))
DESIGN = ROOT / "docs" / "design.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
FOLDERS = "benchmarks|cli|dashboards|datasets|docs|jobs|lib|localrun|notebooks|resources|tests"
OURS = re.compile(rf"(?:{FOLDERS})/[\w./-]*")  # a file or folder of the project, and nothing that only looks like one
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
STATUS, DATE = re.compile(r"^- Status: (.+)$", re.MULTILINE), re.compile(r"^- Date: (\d{4}-\d\d-\d\d)$", re.MULTILINE)
ARROW = re.compile(r" (?:-->|==>|-- \".*?\" -->|-\. \w+ \.->) ")


def missing(text, folder):
    """Files that a text names and that are not there: paths in backticks from the root, links from its folder."""
    named = [(ROOT, name) for name in re.findall(r"`([^`\n]+)`", text) if OURS.fullmatch(name)]
    named += [(folder, name) for name in LINK.findall(text)]
    return [name for start, name in named if not (start / name).exists()]


def short(path):
    return str(path.relative_to(ROOT))


def loose_rows(text):
    """Rows of tables that no table has: a blank line stands before them, and no line of dashes below."""
    blocks = (block.splitlines() for block in re.split(r"\n\s*\n", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    first = [(block[0], "".join(block[1:2])) for block in blocks if block and block[0].startswith("|")]
    return [row for row, below_it in first if not re.fullmatch(r"\|[ :|-]+\|", below_it)]


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_row_stands_in_a_table(page):
    assert loose_rows(page.read_text(encoding="utf-8")) == []


def test_a_row_after_a_blank_line_is_found():
    assert loose_rows("| a |\n|---|\n| b |\n\n| c |\n\ntext") == ["| c |"]


def arrows(page, heading):
    """The arrows of the pictures below a heading, one set of (from, to) for each picture."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    pictures = re.findall(r"```mermaid\nflowchart \w+\n(.*?)```", section, re.DOTALL)
    assert pictures
    return [{arrow for line in picture.splitlines() for arrow in _arrows_of(line)} for picture in pictures]


def _arrows_of(line):
    left, right = ([re.match(r"\w+", name)[0] for name in end.strip().split(" & ")] for end in ARROW.split(line))
    return [(start, end) for start in left for end in right]


def below(start, drawn):
    """All that arrows lead to from a place."""
    reached, waiting = set(), [start]
    while waiting:
        new = {end for begin, end in drawn if begin == waiting[-1]} - reached
        waiting = [*waiting[:-1], *new]
        reached |= new
    return reached


def imported_rooms(package):
    """(room, room that it imports) of a package, imports inside functions and for types among them."""
    for path in ROOT.glob(f"{package}/**/*.py"):
        own = path.relative_to(ROOT / package).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [f"{node.module}.{name.name}" for name in node.names] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            yield from ((own, name.split(".")[1]) for name in names if name.startswith(f"{package}."))


@pytest.mark.parametrize("path", [*PAGES, *PLATES], ids=short)
def test_every_file_that_is_named_is_there(path):
    assert missing(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize(("text", "gone"), [
    ("`lib/timeline.py`, `lib/tables/`, [x](README.md), [y](https://a.b/c.md)", []),
    ("`lib/old.py` and `tests/core/test_x.py`", ["lib/old.py", "tests/core/test_x.py"]),
    ("![a](docs/images/no.png) [b](README.md#there)", ["docs/images/no.png"]),
    ("`jobs/*.yml`, `tests/lib/<room>/`, `artifacts/`, `runs:/<run>/own`, `lib`", []),
])  # fmt: skip
def test_the_check_notices(text, gone):
    assert missing(text, ROOT) == gone


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_no_command_gives_the_cli_a_list_where_it_would_split_it(path):
    """`--var a=x,y` and `--params a=x,y` are two values to the Databricks CLI, the second of which has no name."""
    assert split_lists(path.read_text(encoding="utf-8")) == []


def split_lists(text):
    """What a text gives the Databricks CLI with commas in it, where that splits at commas."""
    return re.findall(r"--(?:var|params)[ =]['\"]?\w+=[^\s`'\"]*,[^\s`'\"]*", text)


def test_the_check_of_lists_notices():
    assert split_lists("`--params action=a,b` and `--var 'action=a,b'`, not `--var a=b`, c") == [
        "--params action=a,b", "--var 'action=a,b",
    ]  # fmt: skip
    assert split_lists("databricks bundle run propensity -- --action=a,b\n./propensity run --param action=a,b") == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_status_a_date_and_a_row_in_the_index(path):
    text = path.read_text(encoding="utf-8")
    number, title = re.match(r"# (\d+)\. (.+)\n", text).groups()
    (status,), (date,) = STATUS.findall(text), DATE.findall(text)
    assert int(number) == int(path.name[:4])
    row = f"| [{number}]({path.name}) | {title} | {status} | {date} |"
    assert row in (path.parent / "README.md").read_text(encoding="utf-8").splitlines()


def test_decisions_are_numbered_without_a_gap():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_picture_of_the_job_has_its_dependencies():
    job = yaml.safe_load((ROOT / "jobs" / "propensity.yml").read_text(encoding="utf-8"))
    tasks = job["resources"]["jobs"]["propensity"]["tasks"]
    wanted = {(before["task_key"], task["task_key"]) for task in tasks for before in task.get("depends_on", [])}
    assert arrows(DESIGN, "The job") == [wanted]


def test_the_picture_of_rooms_shows_the_imports():
    """Each arrow is an import, and each import leads down along arrows."""
    drawn = arrows(DESIGN, "Where things live")[-1]
    imports = {(own, other) for own, other in imported_rooms("lib") if own != other}
    assert drawn - imports == set()
    assert [(own, other) for own, other in imports if other not in below(own, drawn)] == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (each["layers"] for each in settings["contracts"] if each.get("containers") == ["lib"])
    assert {room for arrow in drawn for room in arrow} == set(layers)


class WatchedTables(MemoryTables):
    """Tables that note which stage writes (stage, table) and which reads (table, stage)."""

    def __init__(self):
        super().__init__()
        self.stage, self.arrows = "", set()

    def table(self, sql):
        self.arrows |= {(name, self.stage) for name in re.findall(r"\{(\w+)\}", with_views(sql, self.exists))}
        return super().table(sql)

    def replace(self, name, rows, where):
        self.arrows.add((self.stage, name))
        with self.writing():
            super().replace(name, rows, where)

    def delete(self, name, where):
        self.arrows.add((self.stage, name))
        with self.writing():
            super().delete(name, where)

    @contextmanager
    def writing(self):
        """A table that is written reads itself, which no stage asked for."""
        before = set(self.arrows)
        yield
        self.arrows = before


def test_the_pictures_of_tables_show_who_writes_and_who_reads():
    home = World()
    home.tables = tables = WatchedTables()
    tables.replace("daily_activity", log(users=100), "1 = 1")
    put_users(tables, [("u1", None, None, "DE")], [Attribute("country", Kind.TEXT)])
    put_identities(
        tables, [{"user_id": "u2", "person": "u3", "known_time": datetime.combine(AS_OF, time()), "known_day": AS_OF}]
    )
    tables.elsewhere["crm.staff"] = log(users=1).select(["user_id"])
    tables.elsewhere["crm.calls"] = pa.table({"user_id": ["u1"], "day": [AS_OF]})
    tables.arrows.clear()
    for as_of, stages in (  # some come again: to a champion that has learnt the holdout, and to outcomes of before
        (AS_OF, "extract_features train retrain train retrain predict publish"),
        (NEXT, "extract_features train retrain predict publish train"),
    ):
        for tables.stage in stages.split():
            if tables.stage == "extract_features":
                home.extract(as_of, users="app.members")
            else:
                getattr(home, tables.stage)(
                    resolved_as_of=as_of,
                    evaluations="yes",
                    suppress="crm.staff",
                    contacted="crm.calls",
                    quiet_days_after_contact=7,
                )
    drawn = set().union(*arrows(DESIGN, "Tables"))
    by_spark = {("events", "extract_features"), ("attribute_checks", "extract_features")}  # read by tests/spark
    by_extract = ("daily_activity", "user_attributes", "feature_dictionary", "identities")
    by_spark |= {("extract_features", name) for name in by_extract}
    by_spark |= {("predictions", "predict")}  # of more users than are scored near
    assert tables.arrows | by_spark == drawn
