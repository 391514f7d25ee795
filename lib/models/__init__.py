"""What the two models of a pair are made of: scikit-learn and numpy only, so that anybody can load them.

Read `pair.py` first: a pair, and how it scores. `estimators.py` builds and fits both models from parameters,
`blueprint.py` from somebody's own models, `calibration.py` says how sure they may be, and `checks.py` refuses two
models that are no pair.
"""
