# Databricks notebook source
# MAGIC %md
# MAGIC # Train: do the newest registered models still hold? If not, ask for a retrain
# MAGIC
# MAGIC Loads the pair in use from MLflow, scores the newest matured cutoff and compares with what really happened.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config import question_file
from lib.config.stages import TrainConfig
from lib.registry import mlflow_registry
from lib.stages import train
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
# attributes by whose values lists are counted and models judged besides, like country,plan
dbutils.widgets.text("segments", "", "Segments: none")

# --- What is learnt from
# seed of all chance: the same run gives the same rows
dbutils.widgets.text("seed", "", "Seed: 0")
# so many days after its end a horizon counts as matured: late events are waited for
dbutils.widgets.text("label_complete_after_days", "", "Label complete after days: 0")
# the holdout takes in older cutoffs until so many of its users acted
dbutils.widgets.text("min_positives", "", "Min positives: 50")
# more labelled rows than that are sampled, the holdout's as well; 0: never
dbutils.widgets.text("max_training_rows", "", "Max training rows: 1000000")

# --- The search for a model
# a model of your own, compared instead of a search's
dbutils.widgets.text("challenger", "", "Challenger: none")
# a Delta table of scores (user_id, cutoff, score) from elsewhere, compared and never used
dbutils.widgets.text("score_table", "", "Score table: none")

# --- When models are replaced
# share of the base rate's log loss that the models in use must save
dbutils.widgets.text("min_skill_over_base_rate", "", "Min skill over base rate: 0")
# the same, against the naive rule
dbutils.widgets.text("min_skill_over_naive", "", "Min skill over naive: 0")
# how far AUC may fall since the models were registered
dbutils.widgets.text("max_auc_drop", "", "Max AUC drop: 0.03")
# the same, average precision, 0 at the base rate and 1 for a perfect order
dbutils.widgets.text("max_ap_drop", "", "Max AP drop: 0.1")
# log ratio of expected to observed actions, either way
dbutils.widgets.text("max_calibration_error", "", "Max calibration error: 0.25")
# how far scores and observed rates may lie apart on average
dbutils.widgets.text("max_ece", "", "Max ECE: 0.05")
# share of the features whose spread may have changed since the models learnt
dbutils.widgets.text("max_drifted_share", "", "Max drifted share: 0.3")
# share of the last 28 days' events whose type the models learnt otherwise, or never saw
dbutils.widgets.text("max_unseen_share", "", "Max unseen share: 0.2")
# how old the newest label may be that the models learnt from
dbutils.widgets.text("max_age_days", "", "Max age days: 365")
# how probably better new models must be to replace ones that hold
dbutils.widgets.text("promote_probability", "", "Promote probability: 0.9")

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
# whether each user's propensity is kept beside what happened, in a table for a data quality monitor
dbutils.widgets.dropdown("evaluations", "", ["", "no", "yes"], "Evaluations: no")

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

dbutils.widgets.dropdown("start_retrain", "false", ["false", "true"], "Start retrain: by hand, where it is needed")

entries = question_file.read_entries(dbutils.widgets.get, root)  # one question, or those of the file that is named
configs = [TrainConfig.from_widgets(entry.get(dbutils.widgets.get)) for entry in entries]

# COMMAND ----------

tables = delta.DeltaTables(spark, configs[0].schema)
turns = Turns("train", entries, configs, tables)
for turn in turns.due():
    with turn:  # each question by itself: one that fails holds up no other
        models = mlflow_registry.MlflowRegistry(turn.config.models, turn.config.experiment)
        checked = train.run(Context(turn.config, tables, models))
        print(checked.summary)
        display(checked.metrics)  # one row per metric: now, its 90 % interval, the threshold it must not lie beyond
        if len(checked.drift):
            display(checked.drift.head(10))  # the features that have moved most since the pair learnt
        turn.say(retrain_needed=checked.retrain_needed, answer=checked.verdict.answer, summary=checked.summary)

# COMMAND ----------

dbutils.jobs.taskValues.set(key="retrain_needed", value=turns.any("retrain_needed"))
dbutils.jobs.taskValues.set(key="summary", value=turns.summary)
turns.close()

# COMMAND ----------

if turns.any("retrain_needed") and dbutils.widgets.get("start_retrain") == "true":
    dbutils.notebook.run("retrain", 7200, dbutils.widgets.getAll())
