"""The platform's rules for jobs, without running anything.

Read `rules.py` first: which task runs, which is passed over, what a job comes to. `references.py` fills in `{{...}}`,
and `cron.py` reads schedules.
The loop that follows these rules is in `localrun/run`.
"""
