"""Names as Unity Catalog has them, on a Spark that knows one catalog of its own and no hyphens.

A name in backticks, and no other, is brought to one that open-source Spark takes: `my-shop` is its own catalog, and
a hyphen becomes an underscore. So a statement that forgot its backticks fails here as it would in a workspace.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

CATALOG = "my-shop"


def quote(name: str) -> str:
    """A name, or several joined by dots, in backticks."""
    return ".".join(f"`{part}`" for part in name.split("."))


def known_as(name: str) -> str:
    """What a catalog's or a schema's name is to open-source Spark."""
    return "spark_catalog" if name == CATALOG else name.replace("-", "_")


@contextmanager
def as_in_a_workspace(spark: Any) -> Iterator[None]:
    """Let a session, classic or Connect, take such names wherever it is given one."""
    taking = [(spark, "sql"), (spark, "table"), (spark.read, "table"), (spark.catalog, "tableExists")]
    taking.append((spark.range(1).write, "saveAsTable"))
    with ExitStack() as stack:
        for thing, method in taking:
            stack.enter_context(patch.object(type(thing), method, _translating(getattr(type(thing), method))))
        yield


def _translating(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, text: str, *others: Any, **named: Any) -> Any:
        return method(self, re.sub("`([^`]+)`", lambda found: f"`{known_as(found[1])}`", text), *others, **named)

    return call
