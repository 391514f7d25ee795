"""How a question's last run was called, so that the job, or its end, can be run again in the same way."""

from collections.abc import Iterator, Mapping

from cli.errors import CliError
from cli.local.home import Home
from cli.local.question_files import remembered_file
from cli.options import PROJECT
from lib.config.bases import ModelConfig
from lib.config.kinds import NONE
from lib.config.question import Question
from lib.config.question_file import PARAMETER
from lib.errors import ConfigError
from localrun.platform.state import State
from localrun.run.record import JobRun, past_runs

FIRST = "extract_features"  # the task that resolves as_of and prepares the features for one question
_LAST = "publish"  # the one that says whether the list came into use
# No parameters to repeat: they name what one run was to compare, or to replace, or was on the way to; or the key that
# the home had then.
ONCE = ("challenger", "replace_newer", "catch_up_to", "forgotten_key")


def whole_job_options(home: Home, config: ModelConfig) -> list[str]:
    """Options of `run` for the whole job, with the parameters of the question's last run."""
    run, own = _last_run(home, config)
    return _options(home, run, own)


def list_only_options(home: Home, config: ModelConfig) -> list[str]:
    """Options of `run` that score and publish the question's last list again, as of the same day."""
    last, own = _last_run(home, config)
    newest = next(extraction_runs(home, config.schema))
    if newest.run_id == last.run_id:
        return ["--only", "predict+", *_options(home, last, own)]
    # Another question was extracted since: its own features have to be prepared again.
    day = {"as_of": str(last.tasks[FIRST].values["as_of"])}
    return ["--only", f"{FIRST},predict,publish", *_options(home, last, own | day)]


def _last_run(home: Home, config: ModelConfig) -> tuple[JobRun, dict[str, str]]:
    """The run that a question was asked in last; of a run with several, what it asked this one by itself."""
    for run in extraction_runs(home, config.schema):
        last = run.tasks.get(_LAST)
        recorded = last is not None and last.values.get("in_use") is False  # of a past day: another list stayed
        for name, parameters in run.each_question().items():
            if not recorded and _question(parameters) == config.question and parameters["models"] == config.models:
                return run, run.questions.get(name, {})
    raise CliError(
        f"No run of {config.question.slug} is left in {home.runs} to take parameters from. "
        "Run the job for that question once: ./propensity run --param ..."
    )


def extraction_runs(home: Home, schema: str | None = None) -> Iterator[JobRun]:
    """The runs that prepared features in a schema, or in any, newest first."""
    for _, run in past_runs(home.runs):
        first = run.tasks.get(FIRST)
        if first and first.state is State.SUCCESS and schema in (None, run.parameters.get("schema")):
            yield run


def _question(parameters: Mapping[str, str]) -> Question | None:
    try:
        return Question.of(parameters)
    except ConfigError:
        return None


def _options(home: Home, run: JobRun, instead: dict[str, str]) -> list[str]:
    local = home.parameters()
    parameters = {name: run.parameters[name] for name in run.changed if name not in ONCE} | instead
    if run.questions:  # one of them alone, without the others
        parameters[PARAMETER] = NONE
    elif remembered_file(home):  # what the run was asked, and not what the home remembers since
        parameters.setdefault(PARAMETER, NONE)
    pairs = [f"{name}={value}" for name, value in parameters.items() if local.get(name) != value]
    place = [] if home.root == PROJECT / ".home" else ["--home", str(home.root)]
    return [*place, *(word for pair in pairs for word in ("--param", pair))]
