# Databricks notebook source
# MAGIC %md
# MAGIC # Forget: take users out of all that is kept
# MAGIC
# MAGIC Reads who asks to be forgotten from a table, never from a parameter. Lists them by keyed digests, so that no
# MAGIC load brings them back, and takes them out of every table, of the files of its earlier versions, of reports and
# MAGIC of the exported list. A call that failed is simply repeated: what is done is passed over.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config.forget import ForgetConfig
from lib.stages import forget
from lib.tables import delta

# COMMAND ----------

# a table whose column user_id names who is to be forgotten
dbutils.widgets.text("requests", "", "Requests")
# names the secret by which forgotten users are known again
dbutils.widgets.text("forgotten_key", "", "Forgotten key")
# schema of all tables
dbutils.widgets.text("schema", "spark_catalog.propensity", "Schema")
# the file that lists are written to as well
dbutils.widgets.text("export", "", "Export: none")
# folder of the reports
dbutils.widgets.text("reports", "", "Reports: none")
# the day on which the run takes place
dbutils.widgets.text("run_date", "", "Run date")

config = ForgetConfig.from_widgets(dbutils.widgets.get).with_secrets(dbutils.secrets.get)

# COMMAND ----------

forgotten = forget.run(config, delta.DeltaTables(spark, config.schema))

# COMMAND ----------

print(forgotten.receipt)
dbutils.jobs.taskValues.set(key="receipt", value=forgotten.receipt)
