"""All parameters of the job in one list, by the stages that read them, and the check of all of them at once."""

from collections.abc import Mapping

from lib.config.parameters import FromWidgets, Group, Parameter, merge
from lib.config.question import Question
from lib.config.stages import ExtractConfig, PredictConfig, PublishConfig, RetrainConfig, TrainConfig

STAGES: Mapping[str, type[FromWidgets]] = {  # by the names of their notebooks, in the order of the job
    "extract_features": ExtractConfig,
    "train": TrainConfig,
    "retrain": RetrainConfig,
    "predict": PredictConfig,
    "publish": PublishConfig,
}
WORKBENCH = (  # what the notebook of that name reads: whatever can be asked, and what is learnt from
    *(each.name for each in Question.parameters()),
    "as_of", "question_file", "seed", "label_complete_after_days", "cadence_days", "max_cutoffs", "max_event_types",
    "min_positives", "n_trials", "objective", "schema", "models", "experiment",
)  # fmt: skip


def notebook_parameters(name: str) -> list[Parameter]:
    """What a notebook reads, in the order in which parameters are shown."""
    if name != "workbench":
        return list(stage_parameters(name))
    return [each for each in all_parameters().values() if each.name in WORKBENCH]


def stage_parameters(stage: str) -> tuple[Parameter, ...]:
    """What a stage reads, in the order in which parameters are shown."""
    groups = list(Group)
    return tuple(sorted(STAGES[stage].parameters(), key=lambda each: groups.index(each.group)))


def all_parameters() -> dict[str, Parameter]:
    """Every parameter by its name, in the order in which parameters are shown."""
    parameters = {each.name: each for stage in STAGES for each in stage_parameters(stage)}
    groups = list(Group)
    return dict(sorted(parameters.items(), key=lambda item: groups.index(item[1].group)))


def group_parameters(group: Group) -> list[Parameter]:
    """The parameters of one group."""
    return [each for each in all_parameters().values() if each.group is group]


def defaults() -> dict[str, str]:
    """The text that takes the place of each parameter that is not given; blank where somebody has to give one."""
    return {name: each.default for name, each in all_parameters().items()}


def with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    """What was given, and the catalogue's default where one of its parameters is blank."""
    known = {name: default for name, default in defaults().items() if name in given}
    return {**given, **merge({name: given[name] for name in known}, known)}


def check_each(given: Mapping[str, str]) -> None:
    """Read each parameter that was given by itself: what belongs together may come from elsewhere yet.

    Raises
    ------
    ConfigError
        For the first one that cannot be read.
    """
    for each in all_parameters().values():
        if each.name in given:
            each.read(given.__getitem__)


def check_all(given: Mapping[str, str]) -> None:
    """Read the parameters of all stages, as far as they are known here; whatever else was given is passed over.

    Raises
    ------
    ConfigError
        As the stage itself would, for the first parameter that cannot be read.
    """
    for config in STAGES.values():
        # a parameter that is needed and not known here is looked for by the task that reads it
        unknown = {each.name: "unknown" if each.is_required else "" for each in config.parameters()}
        config.from_widgets((unknown | dict(given)).__getitem__)
