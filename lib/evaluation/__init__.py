"""How good scores were, and what follows: numbers with intervals, a verdict, a promotion.

Read `verdict.py` first: whether the models in use still hold, and by which limits. `metrics.py` measures scores against
what happened, `sharpness.py` how sure they should have been, `naive_rule.py` is the rule that models must beat,
`drift.py` measures how far the inputs have moved, `promotion.py` says whether a challenger takes the champion's place.
"""
