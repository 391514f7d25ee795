"""A Databricks workspace as `remote` sees it: who asks, and the job that a target of the bundle has deployed there."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.sql import StatementState
from requests import RequestException

from cli.errors import CliError
from localrun.bundle.bundle import Bundle

_PATIENCE_SECONDS = 10  # left to itself the SDK asks an unreachable host for five minutes, before it says anything
_POLL_SECONDS = 2.0
_LOG_IN = (
    "Log in with: databricks auth login --host https://<your workspace>; or set DATABRICKS_HOST and what your way "
    "of authentication needs; --profile chooses among several."
)
_NOT_DONE = (StatementState.PENDING, StatementState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The job of one target, as the workspace knows it; `parameters` are its defaults."""

    client: WorkspaceClient
    job_id: int
    name: str
    parameters: dict[str, str]

    @property
    def schema(self) -> str:
        """Catalog and schema of all tables and models."""
        return self.parameters["schema"]


@contextmanager
def answering(host: str) -> Iterator[None]:
    """Turn what the workspace refuses, and its silence, into one line."""
    try:
        yield
    except DatabricksError as error:
        reason = _without_config(error)
        raise CliError(f"{host} refuses: {reason} Renew the log-in, or ask for the missing permission.") from error
    except (RequestException, TimeoutError) as error:
        raise CliError(f"{host} does not answer: {error}. Correct the host, or mend the network.") from error


def connect(profile: str | None, patience_seconds: int = _PATIENCE_SECONDS) -> WorkspaceClient:
    """The workspace that the environment or a profile names; a question is repeated for as long as the patience lasts.

    Raises
    ------
    CliError
        If none is named, or nothing says who asks; it comes at once or within seconds.
    """
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)  # what matters in its warnings is told below
    try:
        return WorkspaceClient(config=Config(
            profile=profile, retry_timeout_seconds=patience_seconds, http_timeout_seconds=_PATIENCE_SECONDS
        ))  # fmt: skip
    except ValueError as error:
        reason = _without_config(error).partition(", please check")[0].rstrip(".")
        raise CliError(f"No workspace can be asked: {reason}. {_LOG_IN}") from error


def _without_config(error: Exception) -> str:
    """What an error of the SDK says, without the configuration that it appends."""
    return str(error).partition(" Config:")[0]


def find_job(client: WorkspaceClient, bundle: Bundle) -> Deployed:
    """The job that carries the tags which the bundle's presets give it; in development, one's own.

    Raises
    ------
    CliError
        If there is none, or more than one.
    """
    tags = dict((bundle.tree.get("presets") or {}).get("tags") or {})
    me = client.current_user.me().user_name
    is_personal = bundle.tree.get("mode") == "development"
    ids = [
        job.job_id
        for job in client.jobs.list()
        if job.job_id and job.settings and tags.items() <= (job.settings.tags or {}).items()
        if not is_personal or job.creator_user_name == me
    ]
    if len(ids) != 1:
        many = f"{len(ids)} jobs" if ids else "no job"
        tagged = ", ".join(f"{name}={value}" for name, value in tags.items())
        raise CliError(
            f"{client.config.host} shows {me} {many} of the target {bundle.target} (tags {tagged}). "
            f"Deploy it with: databricks bundle deploy --target {bundle.target}; or destroy those that are too many."
        )
    settings = client.jobs.get(ids[0]).settings
    assert settings is not None
    parameters = {item.name: item.default for item in settings.parameters or []}
    return Deployed(client=client, job_id=ids[0], name=settings.name or "", parameters=parameters)


def query_warehouse(client: WorkspaceClient, sql: str, warehouse: str | None) -> list[list[Any]]:
    """Rows of a SELECT on a SQL warehouse: the one that is named, else the first one there.

    Raises
    ------
    CliError
        If there is no warehouse, or the statement fails.
    """
    warehouse = warehouse or client.config.warehouse_id or next((w.id for w in client.warehouses.list()), None)
    if warehouse is None:
        raise CliError(
            "Tables are read through a SQL warehouse, and there is none that you may use. Make one in the workspace, "
            "ask for CAN USE on one, or name it with --warehouse ID."
        )
    answer = client.statement_execution.execute_statement(sql, warehouse, wait_timeout=f"{_PATIENCE_SECONDS // 2}s")
    while answer.statement_id and answer.status and answer.status.state in _NOT_DONE:  # it may have to start first
        time.sleep(_POLL_SECONDS)
        answer = client.statement_execution.get_statement(answer.statement_id)
    status = answer.status
    if status is None or status.state is not StatementState.SUCCEEDED:
        why = status.error.message if status and status.error else "the statement did not succeed"
        raise CliError(f"The warehouse {warehouse} says: {why}. The statement was: {sql}")
    return list(answer.result.data_array or []) if answer.result else []
