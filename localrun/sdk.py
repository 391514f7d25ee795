"""The dataclasses of a job, of the Databricks SDK, without its client.

`databricks.sdk` imports that client and what it knows of every service, for more than a second; nothing on this machine
asks a workspace. So the package does not run until somebody asks it for something: its modules can be imported before.
"""

import importlib.util
import sys
from typing import Any

import databricks

_PACKAGE = "databricks.sdk"


def _put_off() -> None:
    """Let the package run when it is first asked for what it has not; it is whole from then on."""
    spec = None if _PACKAGE in sys.modules else importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.loader is None:
        return
    package, loader = importlib.util.module_from_spec(spec), spec.loader

    def run_first(name: str) -> Any:
        if package.__dict__.pop("__getattr__", None):
            loader.exec_module(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = run_first
    sys.modules[_PACKAGE] = package
    databricks.__dict__["sdk"] = package  # as importing it would


_put_off()

from databricks.sdk.service.jobs import (  # noqa: E402 - not before the package is put off
    ConditionTask,
    ConditionTaskOp,
    CronSchedule,
    JobSettings,
    NotebookTask,
    RunIf,
    Source,
    Task,
    TaskDependency,
)

__all__ = [
    "ConditionTask", "ConditionTaskOp", "CronSchedule", "JobSettings", "NotebookTask", "RunIf",
    "Source", "Task", "TaskDependency",
]  # fmt: skip
