"""What the notebook `forget` is asked to do: it is of no stage of the job, and has one of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from lib.config import secrets
from lib.config.kinds import day, file_of, optional, schema_name, secret_name, word
from lib.config.parameters import FromWidgets, Group, parameter


@dataclass(frozen=True, kw_only=True)
class ForgetConfig(FromWidgets, group=Group.PLACES):
    """Whom to take out of what."""

    run_date: date = parameter("", day(), "the day on which the run takes place")
    schema: str = parameter("", schema_name(), "schema of all tables")
    requests: str = parameter("", word("a table"), "a table whose column user_id names who is to be forgotten")
    forgotten_key: str = parameter("", secret_name(), "names the secret by which forgotten users are known again")
    export: str = parameter("", optional(file_of(".csv", ".parquet"), ""), "the file that lists are written to as well")
    reports: str = parameter("", optional(word("a folder"), ""), "folder of the reports")

    def with_secrets(self, read: Callable[[str, str], str]) -> Self:
        """The same with the key in place, as `read(scope, key)` gives it."""
        return replace(self, forgotten_key=secrets.reveal(self.forgotten_key, read))
