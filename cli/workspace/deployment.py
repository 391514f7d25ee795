"""What a deployment would fail or surprise by, and the Databricks CLI says nothing of: compute, packages, files, modes.

Each finding is one sentence on what was found and one on what to do. What is wrong with a job wherever it runs is
found by `localrun.checks.job`.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pathspec import GitIgnoreSpec

from cli.arguments import known_parameters
from lib.config.kinds import is_none
from lib.config.question_file import PARAMETER, check_entries, read_question_file
from lib.errors import ConfigError
from localrun.bundle.bundle import Bundle, Job
from localrun.sdk import JobSettings, Task

# The first has MLflow 3. One that is newer is added here once its notes were read: the CLI takes any number.
_ENVIRONMENTS = ("5", "6")
_OLDEST_RUNTIME = (17, 3)  # the oldest whose packages ours are held against: benchmarks/runtimes.tsv
# Another version of one of these breaks the compute's Spark: protobuf lies under Spark Connect, and the SDK moves it.
_BROUGHT = {
    *("pyspark", "pyspark-client", "pyspark-connect", "delta-spark", "databricks-connect"),
    *("databricks-sdk", "protobuf"),
}
_COMPUTE = ("environment_key", "job_cluster_key", "existing_cluster_id", "new_cluster")
# An application id, or a variable that every deployment has to give.
_PRINCIPAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|<\w+>")


def deployment_findings(bundle: Bundle) -> list[str]:
    """Every finding, as `file: what was found. What to do.`"""
    findings = [f"databricks.yml: nothing uses the variable {name}. Remove it." for name in bundle.unused]
    findings += [f"databricks.yml: {text}" for text in (*_target(bundle), *_experiments(bundle))]
    for job in bundle.jobs.values():
        settings = job.settings
        of_job = [*_development(bundle, settings), *_compute(settings), *_environments(settings), *_clusters(settings)]
        of_job += [*_files(bundle, job), *_question_file(bundle, settings)]
        findings += [f"{job.file}: job {job.key}: {text}" for text in of_job]
    return findings


def _target(bundle: Bundle) -> Iterator[str]:
    if bundle.tree.get("mode") != "production":
        return
    if not bundle.tree.get("run_as"):
        yield f"target {bundle.target} is production and has no run_as: its jobs would run as whoever deploys. Add one."
    principal = (bundle.tree.get("run_as") or {}).get("service_principal_name")
    if principal is not None and not _PRINCIPAL.fullmatch(principal):
        yield (
            f"target {bundle.target} runs as the service principal {principal!r}, which is no application id. Write "
            "one, or a variable without a default: one that says who deploys names a person where a person does."
        )
    if not (bundle.tree.get("workspace") or {}).get("root_path"):
        yield f"target {bundle.target} is production and has no root_path: each deployer would get a copy. Add one."


def _experiments(bundle: Bundle) -> Iterator[str]:
    for key, experiment in ((bundle.tree.get("resources") or {}).get("experiments") or {}).items():
        called = f"experiment {key}: its name {experiment.get('name')!r}"
        name = str(experiment.get("name") or "")
        if not name.startswith("/"):
            yield f"{called} is no path, and a deployment fails on that. Begin it with /Users/."
        elif name.startswith("/Workspace/"):
            yield f"{called} loses /Workspace when it is made, and the job would ask for it with. Leave it out."
        elif name.startswith("/Shared/"):
            yield f"{called} lies where every user of the workspace may delete its runs. Put it under /Users/."


def _development(bundle: Bundle, settings: JobSettings) -> Iterator[str]:
    """In development the CLI pauses schedules and lets runs overlap, but only where the files say nothing."""
    if bundle.tree.get("mode") != "development":
        return
    for name in ("schedule", "trigger"):
        if (setting := getattr(settings, name)) and setting.pause_status:
            yield f"{name} sets pause_status, which development copies obey too. Set it in the targets that need it."
    if settings.max_concurrent_runs is not None:
        yield "sets max_concurrent_runs for development copies too. Set it in the targets that need it."


def _compute(settings: JobSettings) -> Iterator[str]:
    defined = {
        "environment_key": [item.environment_key for item in settings.environments or []],
        "job_cluster_key": [item.job_cluster_key for item in settings.job_clusters or []],
    }
    for task in settings.tasks or []:
        for text in _task_compute(task, defined) if task.notebook_task else ():
            yield f"task {task.task_key}: {text}"


def _task_compute(task: Task, defined: dict[str, list[str]]) -> Iterator[str]:
    kinds = [name for name in _COMPUTE if getattr(task, name)]
    if not kinds:
        yield "names no compute, so that it lacks the requirements. Set environment_key or job_cluster_key."
    if len(kinds) > 1:
        yield f"has {' and '.join(kinds)}. Keep one of them."
    for name in set(kinds) & defined.keys():
        if (key := getattr(task, name)) not in defined[name]:
            yield f"{name} {key!r} is not among {defined[name]}. Define it."
    if task.environment_key and task.libraries:
        yield "libraries need a cluster. Put them into the environment's dependencies."
    if task.environment_key and not task.disable_auto_optimization:
        yield (
            "serverless compute tries a failed task again by itself, whatever max_retries says. "
            "Set disable_auto_optimization: true."
        )


def _environments(settings: JobSettings) -> Iterator[str]:
    for environment in settings.environments or []:
        name, spec = f"environment {environment.environment_key}", environment.spec
        version = spec.environment_version if spec else None
        if version not in _ENVIRONMENTS:
            choices = " or ".join(_ENVIRONMENTS)
            yield f"{name}: environment_version is {version!r}. Choose {choices}, which bring MLflow 3."
        for dependency in (spec.dependencies if spec else None) or []:
            yield from (f"{name}: {text}" for text in _dependency(dependency))


def _clusters(settings: JobSettings) -> Iterator[str]:
    for cluster in settings.job_clusters or []:
        key = (cluster.new_cluster and cluster.new_cluster.spark_version) or ""
        numbers = re.match(r"(\d+)\.(\d+|x)", key)
        known = numbers and (int(numbers[1]), int(numbers[2].replace("x", "0"))) >= _OLDEST_RUNTIME
        if not known:
            yield (
                f"job cluster {cluster.job_cluster_key}: spark_version is {key!r}. Choose 17.3.x-scala2.13 or a newer "
                "one: the job's packages were not held against an older one's."
            )


def _dependency(dependency: str) -> Iterator[str]:
    """What serverless compute would break on in one dependency, or in the file of requirements that it names."""
    if not dependency.startswith("-r "):
        yield from _requirement(dependency, "dependencies")
        return
    path = Path(dependency.removeprefix("-r "))
    if not path.is_file():
        yield f"there is no file {path}. Correct the path."
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        yield from _requirement(line, path.name)


def _requirement(line: str, file: str) -> Iterator[str]:
    text = line.partition("#")[0].strip()
    if not text or text.endswith(".whl"):
        return
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        yield f"{file} has {text!r}, which is no package with a version. Write one like numpy==2.4.6."
        return
    pins = [pin for pin in requirement.specifier if pin.operator == "==" and not pin.version.endswith("*")]
    if canonicalize_name(requirement.name) in _BROUGHT:
        yield f"{file} asks for {requirement.name}, which the compute brings. Remove it there."
    elif not pins and not requirement.url:
        name = requirement.name
        yield f"{file} does not pin {name}: two runs could get two versions. Write {name}==VERSION."


def _files(bundle: Bundle, job: Job) -> Iterator[str]:
    for path in sorted(_needed_files(bundle.root, job.settings)):
        if path.is_file() and (why := _why_left_out(bundle, path.relative_to(bundle.root).as_posix())):
            yield f"needs {path.relative_to(bundle.root)}, which is not uploaded: {why}"


def _question_file(bundle: Bundle, settings: JobSettings) -> Iterator[str]:
    """What the file says that a deployed run is asked by, with the job's own parameters."""
    parameters = known_parameters({item.name: item.default for item in settings.parameters or []})
    path = parameters.get(PARAMETER, "")
    if is_none(path) or Path(path).is_absolute():
        return
    if (bundle.root / path).is_file() and (why := _why_left_out(bundle, path)):
        yield f"needs {path}, which is not uploaded: {why}"
    try:
        check_entries(read_question_file(bundle.root / path).entries, parameters)
    except ConfigError as error:
        yield str(error)


def _needed_files(root: Path, settings: JobSettings) -> set[Path]:
    """Every file of the bundle that a run reads: notebooks, requirements, imported packages with their templates."""
    tasks = [task.notebook_task for task in settings.tasks or [] if task.notebook_task]
    notebooks = {Path(task.notebook_path) for task in tasks}
    texts = [text for item in settings.environments or [] if item.spec for text in item.spec.dependencies or []]
    listed = {Path(text.removeprefix("-r ")) for text in texts if text.startswith("-r ")}
    packages = {root / name for path in notebooks if path.is_file() for name in _imported_packages(path)}
    read = {path for package in packages for kind in ("*.py", "*.j2") for path in package.rglob(kind)}
    return {path for path in notebooks | listed | read if path.is_relative_to(root)}


def _imported_packages(notebook: Path) -> Iterator[str]:
    """The first parts of what a notebook imports; one that is no Python is a finding of its own."""
    try:
        tree = ast.parse(notebook.read_text(encoding="utf-8"))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name.partition(".")[0] for name in names if name)


def _why_left_out(bundle: Bundle, path: str) -> str | None:
    """Why the CLI would not upload a file; None if it does. Patterns are git's, meant from the bundle's root."""
    sync = bundle.tree.get("sync") or {}
    paths = [str(Path(item)) for item in sync.get("paths") or ["."]]
    ignored = bundle.root / ".gitignore"
    lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.is_file() else []
    if not any(item == "." or Path(path).is_relative_to(item) for item in paths):
        return "it lies outside of sync.paths. Add it there."
    if _is_matched(sync.get("exclude") or [], path):
        return "sync.exclude names it. Take it out there."
    if _is_matched(lines, path) and not _is_matched(sync.get("include") or [], path):
        return ".gitignore names it. Take it out there, or add it to sync.include."
    return None


def _is_matched(patterns: Sequence[str], path: str) -> bool:
    return GitIgnoreSpec.from_lines(patterns).match_file(path)
