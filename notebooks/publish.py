# Databricks notebook source
# MAGIC %md
# MAGIC # Publish: replace the current list, after checks
# MAGIC
# MAGIC Ranks the newest predictions, checks the list against the last one and against what really happened, and
# MAGIC replaces this question's rows of `audience` in one commit. Ends with the report.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib.config.stages import PublishConfig
from lib.registry import mlflow_registry
from lib.stages import publish
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
dbutils.widgets.text("held_out_share", "0.1")  # of the users, whom nobody is to contact
dbutils.widgets.text("max_users_change", "0.5")  # how much larger one of this list and the last may be
dbutils.widgets.text("max_score_shift", "0.5")  # distance of the two distributions of propensities
dbutils.widgets.text("max_rate_ratio", "3")  # of the mean propensity to the base rate, either way
dbutils.widgets.text("max_source_gap_days", "")  # blank: as long as the events were quiet before
dbutils.widgets.text("export", "")  # blank, or a .csv or .parquet file
dbutils.widgets.text("export_top", "0")  # so many users at the most, none held out; 0: all
dbutils.widgets.text("value_of_action", "")  # with cost_of_contact: who is worth contacting, and the expected profit
dbutils.widgets.text("cost_of_contact", "")
dbutils.widgets.text("reports", "")  # blank, or the folder for the report page
dbutils.widgets.text("seed", "0")

config = PublishConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

models = mlflow_registry.MlflowRegistry(config.models, config.experiment)
published = publish.run(Context(config, delta.DeltaTables(spark, config.schema), models))

# COMMAND ----------

print(published.summary)
display(published.rows)
displayHTML(published.page)

# COMMAND ----------

dbutils.jobs.taskValues.set(key="report", value=published.report)
dbutils.jobs.taskValues.set(key="summary", value=published.summary)
