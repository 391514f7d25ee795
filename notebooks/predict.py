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
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config import question_file
from lib.config.stages import PredictConfig
from lib.registry import mlflow_registry
from lib.report import charts
from lib.stages import predict
from lib.stages.context import Context
from lib.stages.turns import Turns
from lib.tables import delta

# COMMAND ----------

# parameters begin: widgets; ./propensity parameters writes what follows, from lib/config
# --- The events and the question
# the event type asked about; several with commas: any of them counts
dbutils.widgets.text("action", "", "Action")
# how many days the prediction covers
dbutils.widgets.text("horizon_days", "", "Horizon days: 28")
# users are asked about who did anything in so many days before; all: ever
dbutils.widgets.text("cohort_days", "", "Cohort days: 90")
# the run's now, a day of the log's zone: what happens on that day or later does not exist
dbutils.widgets.text("as_of", "", "As of: day of the last event")
# a file of questions and their parameters; what is given besides counts over it
dbutils.widgets.text("question_file", "", "Question file: none")

# --- What else can be asked
# true asks who will not do it, as for churn, among those who did it before
dbutils.widgets.dropdown("without", "", ["", "false", "true"], "Without: false")
# of several actions, true asks for all of them, each by itself
dbutils.widgets.dropdown("all_actions", "", ["", "false", "true"], "All actions: false")
# how often it is to be done
dbutils.widgets.text("at_least", "", "At least: 1")
# what the values of the action are to come to
dbutils.widgets.text("at_least_value", "", "At least value: any")
# the days that the prediction covers begin so many days later
dbutils.widgets.text("starts_in_days", "", "Starts in days: 0")
# who is asked about besides, like events('view', 28) >= 2
dbutils.widgets.text("cohort_where", "", "Cohort where: everybody active")
# actions of one's own, like big_order=order WHERE value > 50
dbutils.widgets.text("actions", "", "Actions: none")
# asks also about users without any event: their column that says when they signed up, like joined
dbutils.widgets.text("newcomers", "", "Newcomers: users with events alone")

# --- The list
# how many reasons a user gets at the most; 0: none, which is faster
dbutils.widgets.text("reasons", "", "Reasons: 3")

# --- What is learnt from
# so many days after its end a horizon counts as matured: late events are waited for
dbutils.widgets.text("label_complete_after_days", "", "Label complete after days: 0")

# --- When a run is stopped or a list kept back
# whether a run for a day before the newest list may change what is in use
dbutils.widgets.dropdown("replace_newer", "", ["", "false", "true"], "Replace newer: false")

# --- Where things are kept
# schema of all tables; on one machine choose a --home instead
dbutils.widgets.text("schema", "spark_catalog.propensity", "Schema")
# prefix of the registered models' names
dbutils.widgets.text("models", "spark_catalog.propensity.propensity", "Models")
# MLflow experiment of the searches
dbutils.widgets.text("experiment", "propensity", "Experiment")

# --- What the job fills in
# the day on which the run takes place: no event is later
dbutils.widgets.text("run_date", "", "Run date")
# the run's id; blank outside a job
dbutils.widgets.text("run_id", "", "Run id")
# how often the run was repaired
dbutils.widgets.text("repair_count", "", "Repair count")
# what extract_features made of a blank as_of
dbutils.widgets.text("resolved_as_of", "", "Resolved as of")
# parameters end

entries = question_file.read_entries(dbutils.widgets.get, root)  # one question, or those of the file that is named
configs = [PredictConfig.from_widgets(entry.get(dbutils.widgets.get)) for entry in entries]

# COMMAND ----------

tables = delta.DeltaTables(spark, configs[0].schema)
turns = Turns("predict", entries, configs, tables)
for turn in turns.due():
    with turn:  # each question by itself: one that fails holds up no other
        models = mlflow_registry.MlflowRegistry(turn.config.models, turn.config.experiment)
        scored = predict.run(Context(turn.config, tables, models))
        print(scored.summary)
        display(scored.rows)
        display(charts.plot_propensities(scored.spread))
        turn.say(summary=scored.summary)

# COMMAND ----------

dbutils.jobs.taskValues.set(key="summary", value=turns.summary)
turns.close()
