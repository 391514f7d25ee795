"""The advice of a list as `lib.audience.advice` gives it, its numbers chosen by hand."""

from dataclasses import replace
from datetime import date

import pandas as pd

from lib.audience.advice import Advice
from lib.audience.uplift import Uplift
from lib.config.words import ACTING
from lib.evaluation.measured import Measured
from lib.evaluation.metrics import Quality

PAST = ["cutoff", "word", "users", "expected", "observed", "ratio", "ratio_low", "ratio_high"]
AS_OF, HOLDOUT = date(2024, 6, 3), date(2024, 5, 6)


def advice(**changes):
    """That of a first list: nothing is known yet but the holdout."""
    quality = Quality(100, 10, {
        "auc": Measured(0.75, 0.7, 0.8), "ratio": Measured(1.0, 0.9, 1.1),
        "skill_over_base_rate": Measured(0.1, 0.05, 0.15),
    })  # fmt: skip
    made = Advice(
        question="rent a film", when="within 28 days", words=ACTING, cutoff=AS_OF, users=8273, held_out=854,
        quiet=0, quality=quality,
        judged_on=HOLDOUT.isoformat(), low_evidence=False, everybody=Measured(1655.0, 1560.0, 1750.0), rule="average",
        contact=pd.DataFrame({"user_id": [f"u{n}" for n in range(1650)], "decile": [1] * 827 + [2] * 823}),
        expected=Measured(678.3, 641.0, 723.0), held_share=0.41, profit=None, value=None, cost=None,
        past=pd.DataFrame(columns=PAST),
        bias=None, effect=None, uplift=Uplift(0, 0, None, 2), order="propensity", in_order=False, added=None,
        effect_known=date(2024, 8, 26), first_known=date(2024, 7, 1),
        again=date(2024, 7, 1),
    )  # fmt: skip
    return replace(made, **changes)
