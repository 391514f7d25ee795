"""The bundle's YAML, read as the Databricks CLI would deploy it.

Read `bundle.py` first: variables, targets, jobs. `files.py` reads and merges the YAML files, and `settings.py` turns a
job into the SDK's own dataclasses and refuses what these would silently drop.
Whether a job makes sense is asked in `localrun/checks`.
"""
