"""Names of questions, in tables and models: distinct for distinct questions, and never another for an old one."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any

MAX_SLUG = 80


def make_slug(actions: Sequence[str], horizon_days: int, cohort: str, more: Mapping[str, Any], *, without: bool) -> str:
    """Letters, digits and underscores. `more` is what is asked beyond the rest, in one form; mostly nothing."""
    plain = "_or_".join(re.sub(r"[^0-9a-z]+", "_", action.lower()) for action in actions)
    exact = "_or_".join(actions)
    if plain != exact or len(actions) > 1 or len(plain) > MAX_SLUG:
        plain = f"{plain[:MAX_SLUG]}_{_digest(chr(10).join(actions), 8)}"
    slug = f"{plain}_{horizon_days}d_cohort{cohort}"
    return f"{'no_' if without else ''}{slug}_{_digest(json.dumps(more, sort_keys=True), 12)}" if more else slug


def _digest(text: str, digits: int) -> str:
    return sha1(text.encode(), usedforsecurity=False).hexdigest()[:digits]
