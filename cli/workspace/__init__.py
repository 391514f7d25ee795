"""A Databricks workspace, and what would go wrong on the way there.

Read `deployment.py` first: what `./propensity validate` finds that the Databricks CLI does not say. `client.py` asks a
workspace through the Databricks SDK, for `./propensity remote`.
Neither is needed by a run on this machine.
"""
