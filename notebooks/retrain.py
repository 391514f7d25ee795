# Databricks notebook source
# MAGIC %md
# MAGIC # Retrain: search, fit, register, and put in use where it is better
# MAGIC
# MAGIC Tunes by Optuna on the newest data, registers both models as new versions, compares them with the pair in use.
# MAGIC Models of your own, named in `challenger`, take the place of the search.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib.config.stages import RetrainConfig
from lib.registry import mlflow_registry
from lib.report import charts
from lib.stages import retrain
from lib.stages.context import Context
from lib.tables import delta

# COMMAND ----------

dbutils.widgets.text("schema", "spark_catalog.propensity")
dbutils.widgets.text("models", "spark_catalog.propensity.propensity")
dbutils.widgets.text("experiment", "propensity")
dbutils.widgets.text("run_id", "")  # blank outside a job
dbutils.widgets.text("action", "")  # one event type, or several with commas
dbutils.widgets.text("horizon_days", "28")
dbutils.widgets.text("cohort_days", "90")
dbutils.widgets.text("as_of", "")  # the run's "now", a UTC date; blank: the day of the last event
dbutils.widgets.text("resolved_as_of", "")  # what extract_features made of a blank as_of
dbutils.widgets.text("min_positives", "50")
dbutils.widgets.text("min_skill_over_base_rate", "0")  # the shares of their log loss that the scores must save
dbutils.widgets.text("min_skill_over_naive", "0")
dbutils.widgets.text("max_auc_drop", "0.03")  # since the pair was registered
dbutils.widgets.text("max_ap_drop", "0.1")
dbutils.widgets.text("max_calibration_error", "0.25")  # log of expected to observed actions, either way
dbutils.widgets.text("max_ece", "0.05")
dbutils.widgets.text("max_drifted_share", "0.3")
dbutils.widgets.text("max_unseen_share", "0.2")
dbutils.widgets.text("max_age_days", "365")
dbutils.widgets.text("promote_probability", "0.9")  # of being better, to replace a champion that holds
dbutils.widgets.text("max_training_rows", "1000000")  # more labelled rows than that are sampled; 0: never
dbutils.widgets.text("seed", "0")
dbutils.widgets.text("n_trials", "30")
dbutils.widgets.text("search_seconds", "0")  # no trial begins later than that; 0: no limit
dbutils.widgets.text("search_on", "driver")  # or spark: trials as tasks on the executors; nothing repeats exactly
dbutils.widgets.text("search_workers", "1")  # trials at the same time; with more than one nothing repeats exactly
dbutils.widgets.text("objective", "log_loss")  # or average_precision
dbutils.widgets.text("optuna_storage", "")  # where studies are kept, like sqlite:////path/optuna.db; blank: nowhere
dbutils.widgets.text("challenger", "")  # MLflow URI of models of your own, to be compared instead of a search's

config = RetrainConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

models = mlflow_registry.MlflowRegistry(config.models, config.experiment)
retrained = retrain.run(Context(config, delta.DeltaTables(spark, config.schema), models))

# COMMAND ----------

print(retrained.summary)
display(retrained.metrics)
display(retrained.trials)
display(charts.plot_trials(retrained.trials, config.objective))
for plot in retrained.plots.values():  # Optuna's own: history, slices, importances
    display(plot)
display(charts.plot_importances(retrained.importances))

# COMMAND ----------

dbutils.jobs.taskValues.set(key="promoted", value=retrained.promoted)
dbutils.jobs.taskValues.set(key="summary", value=retrained.summary)
