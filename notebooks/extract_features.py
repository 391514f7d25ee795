# Databricks notebook source
# MAGIC %md
# MAGIC # Extract features: what did every user do, as far as it was known?
# MAGIC
# MAGIC Brings `daily_activity` and `features` up to date with the events. Only new days are read.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
sys.path.insert(0, dbutils.widgets.get("bundle_root") or os.path.abspath(".."))

from lib.config.stages import ExtractConfig
from lib.stages import extract_features
from lib.tables import delta

# COMMAND ----------

dbutils.widgets.text("schema", "spark_catalog.propensity")
dbutils.widgets.text("events", "")  # a table name, a Delta folder, Parquet or CSV files
dbutils.widgets.text("event_columns", "")  # other column names, like user_id=customer,event_time=ts
dbutils.widgets.text("action", "")  # one event type, or several with commas
dbutils.widgets.text("horizon_days", "28")
dbutils.widgets.text("cohort_days", "90")
dbutils.widgets.text("as_of", "")  # the run's "now", a UTC date; blank: the day of the last event
dbutils.widgets.text("cadence_days", "7")
dbutils.widgets.text("max_cutoffs", "26")  # 0: all history
dbutils.widgets.text("max_event_types", "24")
dbutils.widgets.text("max_source_gap_days", "")  # blank: the longest gap of the last 90 days
dbutils.widgets.text("accept_shrunk", "")  # this run's as_of: days read before may hold far fewer events now

config = ExtractConfig.from_widgets(dbutils.widgets.get)

# COMMAND ----------

extracted = extract_features.run(config, delta.DeltaTables(spark, config.schema))

# COMMAND ----------

print(extracted.summary)
display(extracted.table)  # one row per cutoff: users seen so far, and those of the cohort

# COMMAND ----------

dbutils.jobs.taskValues.set(key="as_of", value=extracted.cutoffs.as_of.isoformat())
dbutils.jobs.taskValues.set(key="summary", value=extracted.summary)
