"""What the runner tells a notebook's process, and what that process tells back."""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

VARIABLE = "PROPENSITY_TASK"  # names the folder in which both sides find what the other wrote
OPERATOR_ERROR = "PropensityError"  # the class, by name, of errors that an operator can fix
_TASK, _OUTCOME = "task.json", "outcome"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One notebook to run. `upstream` is None outside a job, as for a notebook that another one runs."""

    parameters: Mapping[str, str]
    upstream: Mapping[str, Mapping[str, Any]] | None
    spark_url: str
    html: str  # its page; pages of notebooks that it runs lie beside it
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def write(self, folder: Path) -> None:
        """Leave it where the new process will read it."""
        (folder / _TASK).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The task of this process."""
        return cls(**json.loads((folder / _TASK).read_text(encoding="utf-8")))


@dataclass
class Outcome:
    """What a notebook's process reported until it ended, or was ended."""

    values: dict[str, Any] = field(default_factory=dict)
    exit_value: str | None = None
    error: str | None = None
    operator_error: bool = False

    @classmethod
    def read(cls, folder: Path) -> Self:
        """All whole lines of a report; a line that a kill cut short is none."""
        outcome, path = cls(), folder / _OUTCOME
        *lines, _ = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
        for line in lines:
            outcome._take(json.loads(line))
        return outcome

    def _take(self, report: dict[str, Any]) -> None:
        self.values |= report.get("values", {})
        self.exit_value = report.get("exit_value", self.exit_value)
        if "error" in report:
            self.error, self.operator_error = report["error"], report["operator_error"]


def report(folder: Path, **what: Any) -> None:
    """Add one line to a report, in one write."""
    descriptor = os.open(folder / _OUTCOME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(what) + "\n").encode())
    finally:
        os.close(descriptor)


def is_operator_error(error: BaseException) -> bool:
    """Whether the error's message is all that its reader needs."""
    return getattr(error, "operator_error", False) or any(
        kind.__name__ == OPERATOR_ERROR for kind in type(error).__mro__
    )
