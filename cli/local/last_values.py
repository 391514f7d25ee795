"""What the last run was asked, as the widgets of a notebook take it that is opened by hand."""

from dataclasses import dataclass

from cli.local.home import Home
from cli.local.rerun import FIRST, ONCE, extraction_runs
from lib.config.catalogue import all_parameters
from lib.config.parameters import Group
from lib.config.secrets import HIDDEN


@dataclass(frozen=True)
class LastValues:
    """The parameters of a run that differ from what leaving them blank comes to."""

    run_id: str
    values: dict[str, str]


def read_last_values(home: Home) -> LastValues | None:
    """Those of the newest run that has prepared features; None before the first.

    The day is the one that the run came to. What the job fills in stays blank, so that the notebook takes what is in
    use; so does what one run was to compare or to replace, and an address whose password the record hides.
    """
    run = next(extraction_runs(home), None)
    if run is None:
        return None
    parameters = all_parameters()
    given = run.parameters | {"as_of": str(run.tasks[FIRST].values["as_of"])}
    values = {
        name: text
        for name, text in given.items()
        if name in parameters and parameters[name].group is not Group.JOB and name not in ONCE
        if text not in ("", parameters[name].default) and HIDDEN not in text
    }
    return LastValues(run.run_id, values)
