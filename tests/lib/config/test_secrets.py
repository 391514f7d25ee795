"""Passwords in parameters: refused in clear, named instead, and hidden where an older version wrote them down."""

import re

import pytest

from lib.config import secrets
from lib.config.stages import ExtractConfig, PublishConfig, RetrainConfig
from lib.errors import ConfigError
from tests.builders.runs import asked

CLEAR = [
    ("postgresql://me:hush@host/db", "postgresql://me:***@host/db", "postgresql://host/db"),
    ("mysql+pymysql://me:a%40b:c@host:3306/db?x=1", "mysql+pymysql://me:***@host:3306/db?x=1",
     "mysql+pymysql://host:3306/db?x=1"),
    ("redis://:hush@host:6379/0", "redis://:***@host:6379/0", "redis://host:6379/0"),
    ("s3a://KEY:hush@bucket/x", "s3a://KEY:***@bucket/x", "s3a://bucket/x"),
    ("https://a.example/x?sv=1&sig=hu%3Dsh&se=2", "https://a.example/x?sv=1&sig=***&se=2",
     "https://a.example/x?sv=1&se=2"),
    ("https://a.example/x?Token=hush", "https://a.example/x?Token=***", "https://a.example/x"),
    ("postgresql://host/db?user=me&password=hush", "postgresql://host/db?user=me&password=***",
     "postgresql://host/db?user=me"),
]  # fmt: skip
HARMLESS = [
    "", "shop.events", "/data/a b.csv", "sqlite:////data/optuna.db", "postgresql://me@host/db", "redis://host:6379/0",
    "s3://bucket/key=1/x", "https://host:8080/x?design=3", "postgresql://me:secret(shop/db)@host:5432/studies",
    "http://127.0.0.1:5000/x#a@b", "/data/token=3/events.parquet",
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked", "stripped"), CLEAR)
def test_a_password_in_clear_is_found_hidden_and_taken_off(text, masked, stripped):
    assert secrets.holds_clear(text)
    assert secrets.mask(f'{{"a": "{text}", "b": 1}}') == f'{{"a": "{masked}", "b": 1}}'
    assert not secrets.holds_clear(masked)
    assert secrets.strip(text) == stripped


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none_stays(text):
    assert not secrets.holds_clear(text)
    assert secrets.mask(text) == text


@pytest.mark.parametrize("text", [clear for clear, *_ in CLEAR])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(ExtractConfig, "events"), (RetrainConfig, "optuna_storage"), (RetrainConfig, "experiment"),
     (PublishConfig, "reports"), (PublishConfig, "export"), (PublishConfig, "suppress"),
     (PublishConfig, "contacted")],
)  # fmt: skip
def test_no_parameter_takes_one_and_no_message_repeats_it(text, kind, name):
    with pytest.raises(ConfigError) as told:
        asked(kind, **{name: text})
    assert str(told.value).startswith(f"{name} holds a password ")
    assert "hush" not in str(told.value)
    assert "b:c" not in str(told.value)


def test_a_secret_that_is_named_is_put_in_its_place_where_it_is_used():
    config = asked(RetrainConfig, optuna_storage="postgresql://me:secret(shop/db)@host/studies")
    read = config.with_secrets(lambda scope, key: f"<{scope}.{key}>")
    assert read.optuna_storage == "postgresql://me:<shop.db>@host/studies"
    assert config.optuna_storage == "postgresql://me:secret(shop/db)@host/studies"
    assert asked(RetrainConfig).with_secrets(None) == asked(RetrainConfig)


def test_a_masked_value_is_asked_for_anew():
    message = "optuna_storage was masked in a record, got 'postgresql://me:***@host/db'. Give it anew."
    with pytest.raises(ConfigError, match=re.escape(message.replace("in a record", "where it was noted down"))):
        asked(RetrainConfig, optuna_storage="postgresql://me:***@host/db")


def test_where_no_secret_can_be_read_none_may_be_named():
    with pytest.raises(
        ConfigError, match="events holds a password or a key, or names one, and no such place can be read"
    ):
        asked(ExtractConfig, events="s3a://secret(a/b)@bucket")
