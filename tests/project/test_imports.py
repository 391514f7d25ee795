"""What no module may touch: read from the source, not by running it. Which room imports which, `lint-imports` holds."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIB = sorted(ROOT.glob("lib/**/*.py"))
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
ROOMS = sorted(path.parent for top in ("lib", "cli", "localrun") for path in ROOT.glob(f"{top}/*/__init__.py"))
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
    "mlflow": {"registry.mlflow_registry", "registry.mlflow_runs", "registry.mlflow_files", "registry.mlflow_writing",
               "registry.mlflow_removing", "registry.spark_trials"},
    "skops": {"registry.mlflow_files", "registry.mlflow_writing"},
    "duckdb": {
        "tables.memory", "looking.json_rows", "looking.relations", "looking.look", "looking.mapping",
        "looking.measures", "looking.odd_ids", "looking.samples",
    },
    "delta": set(),
    "deltalake": set(),
    "databricks": set(),
    "scipy": {
        "evaluation.drift", "evaluation.metrics", "models.calibration", "models.blueprint", "models.settings",
        "audience.uplift", "identities.together",
    },
    "matplotlib": {"report.charts", "report.plots", "report.svg"},
    "jinja2": {"report.page"},
    "yaml": {"config.yaml_nodes"},
    "sqlglot": {"expressions.grammar", "expressions.build", "expressions.conditions", "expressions.alike"},
    "optuna": {"training.search", "training.studies", "training.trials", "training.space", "registry.spark_trials",
               "report.charts"},
    "pyspark": {
        "tables.comments", "tables.delta", "tables.delta_versions", "tables.frames", "tables.pickling",
        "sources.opening", "sources.files", "sources.lines", "sources.part",
        "sources.csv_files", "sources.json_files", "sources.parquet_files", "features.source", "features.columns",
        "features.wide", "features.named_rows", "features.writing", "features.cells",
        "features.counting", "features.unusable", "features.log", "features.ingest", "features.forgotten",
        "features.missing", "features.users", "features.identities", "features.user_checks", "registry.spark_trials",
    },
    "sklearn": {
        "models.estimators", "models.calibration", "models.blueprint", "models.servable", "models.classes",
        "models.settings", "registry.mlflow_files", "training.folds", "explain.importance", "audience.effect_model",
    },
}  # fmt: skip


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path):
    return ".".join(path.relative_to(ROOT / "lib").with_suffix("").parts)


@cache
def imports(path):
    """Every module that a file imports, inside functions and for types only too: `lib.config.stages`, `numpy`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            found.add(node.module)
    return found


def outside(parsed):
    """What a module asks of the world instead of its arguments."""
    nodes = list(ast.walk(parsed))
    names = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute | ast.Name)]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [name for name in names if OUTSIDE.search(name)] + [text for text in texts if CLOCK.search(text)]


def packages(path):
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_import_neither_cli_nor_localrun_nor_datasets(path):
    assert not packages(path) & {"cli", "localrun", "datasets", "tests"}


@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.stem)
def test_tests_share_builders_and_fakes_and_import_no_other_test(path):
    """pytest loads a test's module by its path: imported too, it would be there twice."""
    shared = {name for name in imports(path) if name.partition(".")[0] == "tests"}
    assert [name for name in shared if not re.match(r"tests\.(builders|fakes|marks)\b", name)] == []


@pytest.mark.parametrize("package", ONE_HOME)
def test_an_outside_package_has_one_home(package):
    assert {named(path) for path in LIB if package in packages(path)} == ONE_HOME[package]


@pytest.mark.parametrize("path", [*LIB, *NOTEBOOKS], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_word_of_a_built_in_data_set(path):
    word = re.compile(rf"(?<![a-z])({'|'.join(BUILT_IN)})(?:s|es)?(?![a-z])", re.IGNORECASE)
    assert word.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", LIB, ids=named)
def test_lib_asks_neither_clock_nor_environment_nor_driver(path):
    assert outside(tree(path)) == []


@pytest.mark.parametrize("path", LIB, ids=named)
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


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: f"{room.parent.name}-{room.name}")
def test_every_room_has_a_door_plate(room):
    """Five to ten lines that say what the room answers; code and re-exports stand elsewhere."""
    plate = (room / "__init__.py").read_text(encoding="utf-8")
    (only,) = ast.parse(plate).body
    assert isinstance(only, ast.Expr)
    assert 5 <= len(plate.splitlines()) <= 10
    assert [name for name in re.findall(r"`(\w+)\.py`", plate) if not (room / f"{name}.py").exists()] == []
