"""What a run was asked to do: parameters, read once and then never changed.

Read `stages.py` first: one frozen dataclass for each stage, whose fields say all there is to say of each parameter.
`parameters.py` is how a field declares one, `kinds.py` how a text is read and refused, `catalogue.py` all of them in
one list and checked at once. `question.py` has the parameters of what is asked (`action`, `horizon_days`, ...) and the
slug, `thresholds.py` the limits of models and lists, and `secrets.py` keeps passwords out of all of them.
`./propensity parameters` writes notebooks, YAML and docs.
"""
