"""Making a challenger: the search, the fit, the comparison with the champion.

Read `challenger.py` first: search, fit, compare, fit once more. `space.py` holds all that a search may choose,
`search.py` runs the study over `folds.py`, `trials.py` is one trial, and `studies.py` what else Optuna's studies need;
`fit.py` fits and calibrates a pair, `comparison.py` measures it beside the champion, and `adaptation.py` is for after a
change of behaviour.
"""
