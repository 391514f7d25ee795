"""The part of `dbutils` that job notebooks use, by the platform's rules."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from localrun.errors import LocalRunError

MAX_VALUE_BYTES = 48 * 1024


class NotebookExit(BaseException):
    """Ends a notebook early and in success; no `except Exception` of the notebook may hold it back."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class WidgetMissingError(LookupError):
    """A widget was read that neither a parameter nor a declaration brings."""


class Widgets:
    """Parameters of the notebook: what the job gives beats the declared default. Every value is text."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._given = dict(parameters)
        self._declared: dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:
        """Declare a parameter and its default."""
        self._declare(name, defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:
        """Declare a parameter that takes one of some values; the default must be among them."""
        if defaultValue not in choices:
            raise ValueError(f"The default {defaultValue!r} of widget {name!r} is none of its choices {list(choices)}.")
        self._declare(name, defaultValue)

    def combobox(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:
        """Declare a parameter for which some values are proposed."""
        self._declare(name, defaultValue)

    def multiselect(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:
        """Declare a parameter that takes several of some values; it reads as one comma-separated text."""
        self.dropdown(name, defaultValue, choices, label)

    def get(self, name: str) -> str:
        """The value of a parameter.

        Raises
        ------
        WidgetMissingError
            If nobody gave or declared it.
        """
        values = self.getAll()
        if name not in values:
            raise WidgetMissingError(
                f"There is no widget {name!r}; there are {', '.join(values) or 'none'}. Declare it with "
                f"dbutils.widgets.text({name!r}, default), or give it in the job's parameters."
            )
        return values[name]

    def getArgument(self, name: str, defaultValue: str | None = None) -> str | None:
        """The value of a parameter, or a default."""
        return self.getAll().get(name, defaultValue)

    def getAll(self) -> dict[str, str]:
        """All parameters, given or declared."""
        return self._declared | self._given

    def remove(self, name: str) -> None:
        """Take a declaration back; what the job gave stays."""
        if name not in self._declared:
            raise WidgetMissingError(f"There is no widget {name!r} to remove.")
        del self._declared[name]

    def removeAll(self) -> None:
        """Take all declarations back."""
        self._declared.clear()

    def _declare(self, name: str, default: str) -> None:
        if not isinstance(default, str):
            raise TypeError(f"The default of widget {name!r} must be text, got {default!r}.")
        self._declared[name] = default


class TaskValues:
    """Small values that one task hands to the tasks after it.

    Outside a job, `set` does nothing and `get` gives `debugValue`, so that a notebook also runs alone.
    """

    def __init__(self, upstream: Mapping[str, Mapping[str, Any]] | None, keep: Callable[[str, Any], None]) -> None:
        self._upstream, self._keep = upstream, keep

    def set(self, key: str, value: Any) -> None:
        """Hand on a value that JSON can hold, of at most 48 KiB."""
        if not isinstance(key, str) or not key:
            raise TypeError(f"The key of a task value must be a text, got {key!r}.")
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"Task value {key!r} is not JSON: {error}, got {value!r}. "
                "Convert it with bool(), int(), float() or str()."
            ) from error
        if (size := len(text.encode())) > MAX_VALUE_BYTES:
            raise ValueError(
                f"Task value {key!r} takes {size} bytes as JSON, at most {MAX_VALUE_BYTES} are allowed. "
                "Write it to a table and hand on its name."
            )
        if self._upstream is not None:
            self._keep(key, json.loads(text))

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """The value that an earlier task handed on, else the default."""
        if self._upstream is None:
            if debugValue is None:
                raise TypeError(
                    f"Task value {key!r} of {taskKey!r} was read outside a job. "
                    "Give debugValue, which must not be None."
                )
            return debugValue
        values = self._upstream.get(taskKey, {})
        if key in values:
            return values[key]
        if default is None:
            raise ValueError(
                f"Task {taskKey!r} has set no value {key!r}; it has set {', '.join(values) or 'none'}. "
                "Set it there on every path, or give a default here, which must not be None."
            )
        return default


class Jobs:
    """`dbutils.jobs`."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class Notebook:
    """`dbutils.notebook`: end this one, or run another."""

    def __init__(self, run: Callable[[str, int, Mapping[str, str]], str | None]) -> None:
        self._run = run

    def exit(self, value: str) -> NoReturn:
        """End the notebook here, in success."""
        raise NotebookExit(str(value))

    def run(self, path: str, timeout_seconds: int = 60, arguments: Mapping[str, str] | None = None) -> str | None:
        """Run another notebook with these parameters; its exit value, or its error raised."""
        return self._run(path, timeout_seconds, arguments or {})


class Secrets:
    """`dbutils.secrets`: on one machine, scope and key together name an environment variable."""

    def get(self, scope: str, key: str) -> str:
        """The secret."""
        name = re.sub(r"\W", "_", f"{scope}_{key}", flags=re.ASCII).upper()
        secret = os.environ.get(name)
        if secret is None:
            raise LocalRunError(f"There is no secret {scope}/{key}: set the environment variable {name}.")
        return secret


class DBUtils:
    """What a notebook finds as `dbutils`."""

    def __init__(self, widgets: Widgets, values: TaskValues, notebook: Notebook) -> None:
        self.widgets, self.jobs, self.notebook, self.secrets = widgets, Jobs(values), notebook, Secrets()

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"dbutils.{name} is not there on one machine, only widgets, jobs.taskValues, notebook and secrets. "
            "Use Python's own libraries for it."
        )
