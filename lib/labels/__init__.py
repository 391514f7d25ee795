"""Which rows are learnt from and judged on, and what happened to their users.

Read `labels.py` first: SQL for who is in a cohort and who acted within the horizon. `split.py` parts cutoffs into
training and holdout, always apart in time; `sampling.py` draws rows where there are too many; `rows.py` holds labelled
rows and the seeded hash of users.
"""
