# Databricks notebook source
# MAGIC %md
# MAGIC # Predict: how probable is the action, for every user of the cohort?
# MAGIC
# MAGIC Loads the pair that this run decided on and scores the newest behaviour, with the strongest reasons of each
# MAGIC user, distributed by Spark.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib.config.stages import PredictConfig
from lib.registry import mlflow_registry
from lib.report import charts
from lib.stages import predict
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
dbutils.widgets.text("reasons", "3")  # how many reasons a user gets at the most; 0: none

config = PredictConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

models = mlflow_registry.MlflowRegistry(config.models, config.experiment)
scored = predict.run(Context(config, delta.DeltaTables(spark, config.schema), models))

# COMMAND ----------

print(scored.summary)
display(scored.rows)
display(charts.plot_propensities(scored.propensities))

# COMMAND ----------

dbutils.jobs.taskValues.set(key="summary", value=scored.summary)
