"""A home on this machine: where runs keep what they store, and how a run is planned and started.

Read `plan.py` first: a run that was found sound, before anything starts; `job_run.py` then starts it. `home.py` names
everything below a home and locks it, `place.py` makes one that was moved fit, `archive.py` backs it up, `readers.py`
says who can read it, `masking.py` hides passwords that stood in it, `ui_guard.py` keeps others from the MLflow UI,
`machine.py` finds what a machine lacks, `cleaning.py` what need not be kept, `forgetting.py` takes users out,
`sources.py` chooses the events, `rerun.py` repeats how the last run was called, `catch_up.py` makes missed ones, and
`what_happened.py` holds a list of built-in data against what its users did.
"""
