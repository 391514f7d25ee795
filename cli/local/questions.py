"""The questions that a home has models of, and its tables, for what is done to them by hand."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from deltalake import DeltaTable

from cli.errors import CliError
from cli.local.home import Home
from cli.local.registered import registered_models
from cli.local.spark import start_spark
from lib.config.bases import ModelConfig
from lib.registry.versions import questions_of
from lib.tables.contracts import CONTRACTS
from lib.tables.delta import DeltaTables


def known_questions(home: Home) -> list[ModelConfig]:
    """One configuration for each question that has models here.

    Raises
    ------
    CliError
        If there is none.
    """
    os.environ.update(home.environment())  # before MLflow is asked for anything
    configs = questions_of(registered_models(home))
    if not configs:
        raise CliError(f"There are no models in {home.root} yet. Start with: ./propensity run")
    return configs


def choose_question(configs: list[ModelConfig], wanted: str | None) -> ModelConfig:
    """The question that is meant, by its slug or, where two schemas ask the same, by its models' whole name.

    Raises
    ------
    CliError
        If none or several are meant; the message names those that are there.
    """
    names = {f"{config.models}_{config.question.slug}": config for config in configs}
    slugs = [config.question.slug for config in configs]
    meant = [c for name, c in names.items() if wanted in (None, name, c.question.slug)]
    if len(meant) == 1:
        return meant[0]
    there = ", ".join(names if len(set(slugs)) < len(slugs) else slugs)
    if wanted is None or meant:
        raise CliError(f"This home has models of {len(configs)} questions. Name one with --question: {there}.")
    raise CliError(f"There are no models for --question {wanted}. There are some for {there}.")


def schema(config: ModelConfig) -> str:
    """The schema of a question's tables, without its catalog."""
    return config.schema.rpartition(".")[2]


@contextmanager
def tables(home: Home, config: ModelConfig, log: str) -> Iterator[DeltaTables]:
    """A question's tables, over a Spark of their own whose log is the home's file of that name."""
    with start_spark(home, [schema(config)], log) as spark:
        yield DeltaTables(spark, config.schema)


def rows(home: Home, config: ModelConfig, name: str) -> pd.DataFrame:
    """A question's rows of a table, without Spark; none where there is no such table yet."""
    path = home.warehouse / schema(config) / name
    if not (path / "_delta_log").is_dir():
        return pd.DataFrame(columns=list(CONTRACTS[name]))
    return DeltaTable(path).to_pandas(filters=[("question", "=", config.question.slug)])
