"""Registered models: versions, the alias `champion`, and all that MLflow keeps of a pair.

Read `protocol.py` first: what the stages ask of a registry. `mlflow_registry.py` does it in MLflow (versions, alias;
`mlflow_runs.py`: parameters, metrics, notes) and `memory.py` in memory; `mlflow_files.py` is the only place that reads
and writes model files; `versions.py` tells which version was in use when, which one a rollback goes back to, and how
two differ; `spark_trials.py` runs trials of a search on Spark's executors.
"""
