# Databricks notebook source
# MAGIC %md
# MAGIC # Train: do the newest registered models still hold? If not, ask for a retrain
# MAGIC
# MAGIC Loads the pair in use from MLflow, scores the newest matured cutoff and compares with what really happened.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib.config.stages import TrainConfig
from lib.registry import mlflow_registry
from lib.stages import train
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
dbutils.widgets.text("max_drifted_share", "0.3")  # of the features
dbutils.widgets.text("max_unseen_share", "0.2")
dbutils.widgets.text("max_age_days", "365")
dbutils.widgets.text("promote_probability", "0.9")  # of being better, to replace a champion that holds
dbutils.widgets.text("max_training_rows", "1000000")  # more labelled rows than that are sampled; 0: never
dbutils.widgets.text("seed", "0")
dbutils.widgets.text("challenger", "")  # MLflow URI of models of your own: asks for a retrain whatever the verdict
dbutils.widgets.text("start_retrain", "false")  # by hand: "true" runs the retrain notebook when it is needed

config = TrainConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

models = mlflow_registry.MlflowRegistry(config.models, config.experiment)
checked = train.run(Context(config, delta.DeltaTables(spark, config.schema), models))

# COMMAND ----------

print(checked.summary)
display(checked.metrics)  # one row per metric: now, its 90 % interval, the threshold it must not lie beyond
if len(checked.drift):
    display(checked.drift.head(10))  # the features that have moved most since the pair learnt: PSI, its 90 % interval

# COMMAND ----------

dbutils.jobs.taskValues.set(key="retrain_needed", value=checked.retrain_needed)
dbutils.jobs.taskValues.set(key="summary", value=checked.summary)

# COMMAND ----------

if checked.retrain_needed and dbutils.widgets.get("start_retrain") == "true":
    dbutils.notebook.run("retrain", 7200, dbutils.widgets.getAll())
