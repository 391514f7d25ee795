"""Which module may import which, and what no module of the core may touch: read from the source, not by running it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = [
    "errors", "timeline", "thresholds", "config", "activity", "features", "events", "loads", "labels", "split",
    "sampling", "models", "pairing", "blueprint", "space", "fold", "trials", "search", "baseline", "measure",
    "wording", "groups", "importance", "explain", "drift", "fitting", "adaptation", "decision", "learning", "history",
    "audience", "outcomes", "challenger", "comparison", "release", "contacts", "drafts", "charts",
    "report_numbers", "report_tables", "report_plots", "report_sections", "report",
]  # fmt: skip
EDGES = [
    "contracts", "csv_files", "tables", "memory_tables",
    "predictions",  # the batch function that the tables carry to their rows
    "registered", "model_files", "memory_registry", "registry", "spark_search",
]  # fmt: skip
SHELL = [
    "definition", "extraction", "records", "ledger", "judging", "promotion", "publishing", "pipeline", "backtest",
]  # fmt: skip
ORDER = [*CORE, *EDGES, *SHELL]
LIB = sorted(ROOT.glob("lib/*.py"))
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.py"))
# The words of the data sets that ship with the project; what is built for one of them fails on the next one.
BUILT_IN = [
    "deli", "journey", "household", "coupon", "basket", "grocery", "groceries", "seafood", "pastry", "nutrition",
    "cosmetics", "floral", "salad", "fuel", "spirits", "restaurant", "campaign", "redemption", "department",
    "recipe", "cook", "cdnow", "dunnhumby", "lifetimes", "deltalake", "datasets",
]  # fmt: skip
OUTSIDE = re.compile(  # in a dotted name: the clock, the environment, the driver
    r"(^|\.)(date\.today|datetime\.(now|utcnow|today)|time\.time(_ns)?|environ|getenv"
    r"|sparkContext|rdd|_jvm|_jsc|SparkSession\.builder|getOrCreate)(\.|$)"
)
CLOCK = re.compile(r"\b(now|today)\s*\(|\b(current_(date|time)|localtimestamp)", re.IGNORECASE)  # in SQL
ONE_HOME = {  # package -> the only modules of lib that may name it
    "mlflow": {"registry", "model_files", "spark_search"}, "skops": {"model_files"}, "duckdb": {"memory_tables"},
    "delta": set(), "deltalake": set(), "scipy": {"drift", "measure"}, "matplotlib": {"charts", "report_plots"},
    "jinja2": {"report"},
    "optuna": {"search", "trials", "space", "spark_search", "charts"},
    "pyspark": {"tables", "csv_files", "events", "extraction", "spark_search"},
    "sklearn": {"models", "blueprint", "model_files", "fold", "importance"},
}  # fmt: skip


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Every module that a file imports, inside functions and for types only too: `lib.config`, `numpy`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names = {f"lib.{name.name}" for name in node.names}
            found |= names if node.module == "lib" else {node.module}
    return found


def lib_imports(path):
    return {name.removeprefix("lib.") for name in imports(path) if name.startswith("lib.")}


def outside(parsed):
    """What a module asks of the world instead of its arguments."""
    nodes = list(ast.walk(parsed))
    names = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute | ast.Name)]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [name for name in names if OUTSIDE.search(name)] + [text for text in texts if CLOCK.search(text)]


def packages(path):
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", [p for p in LIB if not p.stem.startswith("_")], ids=lambda p: p.stem)
def test_imports_point_upstream(path):
    assert path.stem in ORDER, f"lib/{path.name} has no place in the order of imports yet: give it one here"
    assert lib_imports(path) <= set(ORDER[: ORDER.index(path.stem)])


def test_the_order_names_no_module_that_is_gone():
    assert set(ORDER) == {path.stem for path in LIB} - {"__init__"}


@pytest.mark.parametrize("path", [*LIB, *NOTEBOOKS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_lib_and_notebooks_import_neither_cli_nor_localrun_nor_datasets(path):
    assert not packages(path) & {"cli", "localrun", "datasets", "tests"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("localrun/*.py")), ids=lambda p: p.stem)
def test_localrun_knows_nothing_of_the_product(path):
    assert not packages(path) & {"cli", "lib", "datasets", "tests"}


@pytest.mark.parametrize("package", ONE_HOME)
def test_an_outside_package_has_one_home(package):
    assert {path.stem for path in LIB if package in packages(path)} == ONE_HOME[package]


@pytest.mark.parametrize("path", [*LIB, *NOTEBOOKS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_word_of_a_built_in_data_set(path):
    word = re.compile(rf"(?<![a-z])({'|'.join(BUILT_IN)})(?:s|es)?(?![a-z])", re.IGNORECASE)
    assert word.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", LIB, ids=lambda p: p.stem)
def test_lib_asks_neither_clock_nor_environment_nor_driver(path):
    assert outside(tree(path)) == []


@pytest.mark.parametrize("path", LIB, ids=lambda p: p.stem)
def test_every_sampler_is_seeded(path):
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    unseeded = [c for c in calls if ast.unparse(c.func).endswith("default_rng") and not (c.args or c.keywords)]
    legacy = [c for c in calls if re.match(r"(np|numpy)\.random\.(?!default_rng)|random\.", ast.unparse(c.func))]
    assert [ast.unparse(call) for call in unseeded + legacy] == []


@pytest.mark.parametrize("line", [
    "datetime.date.today()", "date.today()", "datetime.now(UTC)", "time.time()", "os.environ['HOME']", "getenv('A')",
    "spark.sparkContext.setLogLevel('x')", "frame.rdd.map(f)", "SparkSession.builder.getOrCreate()",
    "spark.sql('SELECT current_date')", "query('WHERE day < now()')",
])  # fmt: skip
def test_the_check_notices(line):
    assert outside(ast.parse(line))
