# Databricks notebook source
# MAGIC %md
# MAGIC # Publish: replace the current list, after checks
# MAGIC
# MAGIC Ranks the newest predictions and replaces this question's rows of `audience` in one commit.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib import pipeline, tables
from lib.config import PublishConfig

# COMMAND ----------

dbutils.widgets.text("schema", "spark_catalog.propensity")
dbutils.widgets.text("run_id", "")  # blank outside a job
dbutils.widgets.text("action", "")  # one event type, or several with commas
dbutils.widgets.text("horizon_days", "28")
dbutils.widgets.text("cohort_days", "90")
dbutils.widgets.text("as_of", "")  # the run's "now", a UTC date; blank: the day of the last event
dbutils.widgets.text("resolved_as_of", "")  # what extract_features made of a blank as_of
dbutils.widgets.text("export", "")  # blank, or a .csv or .parquet file

config = PublishConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

published = pipeline.publish(config, tables.DeltaTables(spark, config.schema))

# COMMAND ----------

print(published.summary)
display(published.rows)

# COMMAND ----------

dbutils.jobs.taskValues.set(key="summary", value=published.summary)
