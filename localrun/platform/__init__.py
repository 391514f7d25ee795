"""The platform's rules for jobs, without running anything.

Read `rules.py` first: which task runs, which is passed over, what a job comes to. `references.py` fills in `{{...}}`,
`for_each.py` reads the inputs of a task that runs another job, and `cron.py` reads schedules.
The loop that follows these rules is in `localrun/run`.
"""
