"""The dashboard's file, and its queries by name."""

import json
from pathlib import Path

BOARD = json.loads((Path(__file__).parents[2] / "dashboards" / "propensity.lvdash.json").read_text(encoding="utf-8"))
QUERIES = {dataset["name"]: "".join(dataset["queryLines"]) for dataset in BOARD["datasets"]}
