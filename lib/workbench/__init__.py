"""The stages' work on frames that fit into memory, for whoever looks at it by hand: features, labels, fit, score.

Read `workbench.py` first: the four, on tables in memory, by the SQL and functions of the stages. `sample.py` is the SQL
by which the notebook `workbench` brings some of the users here. Nothing here writes a table or registers a model.
"""
