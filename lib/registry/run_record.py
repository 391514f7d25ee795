"""What a pair's run in MLflow records, read back from the texts and numbers that its store keeps."""

import json
from collections.abc import Mapping
from typing import Any

ABOUT = ("as_of", "holdout")  # what a run records among its parameters besides those of the models
ENDS = ("_low", "_high")  # of a metric's interval: metrics of their own, so that MLflow can chart them


def parse_record(params: Mapping[str, str], metrics: Mapping[str, float]) -> dict[str, Any]:
    """Parameters, metrics and intervals of a pair: `params`, `metrics` and `intervals`, by their names."""
    values = {name: value for name, value in metrics.items() if not name.endswith(ENDS)}
    return {
        "params": {name: _parse_param(text) for name, text in params.items() if name not in ABOUT},
        "metrics": values,
        "intervals": {
            name: (metrics[name + ENDS[0]], metrics[name + ENDS[1]]) for name in values if name + ENDS[0] in metrics
        },
    }


def _parse_param(text: str) -> Any:
    """Read back a parameter that MLflow keeps as a text: a number, true or false, else the text itself."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text
