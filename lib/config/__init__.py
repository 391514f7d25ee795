"""What a run was asked to do: parameters, read once and then never changed.

Read `stages.py` first: one frozen dataclass for each stage, by which its notebook's widgets are parsed.
`question.py` is what is asked (action, horizon, cohort) and its slug, `thresholds.py` the limits that models and lists
must keep, `parameters.py` how one text is read and refused.
"""
