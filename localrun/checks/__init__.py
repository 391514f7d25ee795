"""What is wrong with a job before it runs, and the Databricks CLI lets through.

Read `job.py` first: every finding, with what to do. `worlds.py` plays all outcomes of a job's conditions, to find tasks
that are passed over by mistake or never run.
Both are asked by `./propensity validate` and before each local run.
"""
