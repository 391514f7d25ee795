# Databricks notebook source
# MAGIC %md
# MAGIC # Workbench: look at events, one user, features, labels and reasons; train by hand
# MAGIC
# MAGIC Reads what the last run has stored and works on frames in memory, by the rules of the stages
# MAGIC (`docs/interactive.md`). It writes no table and registers no model: change what you like, and run cells again.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config import question_file
from lib.config.catalogue import WORKBENCH
from lib.config.question import Question
from lib.features import extraction
from lib.registry import mlflow_registry
from lib.report import charts
from lib.tables import delta
from lib.workbench.sample import read_sample, read_user
from lib.workbench.workbench import Workbench

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

# --- What is learnt from
# seed of all chance: the same run gives the same rows
dbutils.widgets.text("seed", "", "Seed: 0")
# so many days after its end a horizon counts as matured: late events are waited for
dbutils.widgets.text("label_complete_after_days", "", "Label complete after days: 0")
# from one cutoff that is learnt from to the next
dbutils.widgets.text("cadence_days", "", "Cadence days: 7")
# how many cutoffs to learn from, the newest; 0: all history
dbutils.widgets.text("max_cutoffs", "", "Max cutoffs: 26")
# event types with columns of their own, the most used, besides every action; the others share other
dbutils.widgets.text("max_event_types", "", "Max event types: 24")
# the holdout takes in older cutoffs until so many of its users acted
dbutils.widgets.text("min_positives", "", "Min positives: 50")

# --- The search for a model
# how many trials the search for a model has
dbutils.widgets.text("n_trials", "", "N trials: 8")
# what the search tunes for
dbutils.widgets.dropdown("objective", "", ["", "log_loss", "average_precision"], "Objective: log_loss")

# --- Where things are kept
# schema of all tables; on one machine choose a --home instead
dbutils.widgets.text("schema", "spark_catalog.propensity", "Schema")
# prefix of the registered models' names
dbutils.widgets.text("models", "spark_catalog.propensity.propensity", "Models")
# MLflow experiment of the searches
dbutils.widgets.text("experiment", "propensity", "Experiment")
# parameters end

# a question of the file by its name, where it has several; blank: its first
dbutils.widgets.text("question", "", "Question: the first")
# about so many users are brought into memory
dbutils.widgets.text("most_users", "5000", "Most users")
# whose history is shown; blank: the highest score
dbutils.widgets.text("user", "", "User: the highest score")

# COMMAND ----------

entries = question_file.read_entries(dbutils.widgets.get, root)
get = question_file.find_entry(entries, dbutils.widgets.get("question")).get(dbutils.widgets.get)
tables = delta.DeltaTables(spark, get("schema"))
prepared = extraction.read_extraction(tables, Question.from_widgets(get), None)
asked = {name: get(name) for name in WORKBENCH} | {"as_of": prepared.cutoffs.as_of}
sample = read_sample(tables, prepared, int(dbutils.widgets.get("most_users")))
bench = Workbench(sample.activity, asked, sample.users, sample.types, sample.identities, sample.named)
print(f"{bench.config.question}, as of {bench.as_of}, asked of {sample.share:.0%} of the users")

# COMMAND ----------

# MAGIC %md ## Events: how many of each type, by how many users, since when

# COMMAND ----------

display(
    tables.query(
        "SELECT event_type, SUM(count) AS events, COUNT(DISTINCT user_id) AS users, SUM(value) AS value, "
        "MIN(day) AS first_day, MAX(day) AS last_day FROM {daily_activity} GROUP BY event_type ORDER BY users DESC"
    )
)

# COMMAND ----------

# MAGIC %md ## Features: what was known of whom at which cutoff, and what each column means

# COMMAND ----------

features = bench.features()
display(features.head(20))
display(bench.describe(features))

# COMMAND ----------

# MAGIC %md ## Labels: who did it on the days after a cutoff

# COMMAND ----------

labels = bench.labels(features)
display(labels.groupby("cutoff")["label"].agg(["size", "sum", "mean"]).reset_index())

# COMMAND ----------

# MAGIC %md ## Scores and reasons by the models in use

# COMMAND ----------

registry = mlflow_registry.MlflowRegistry(get("models"), get("experiment"))
champion = registry.load(bench.config.question, registry.champion(bench.config.question))
newest = features[features["cutoff"] == bench.as_of]
scores = bench.score(champion, newest).sort_values("propensity", ascending=False)
display(scores.head(20))

# COMMAND ----------

# MAGIC %md ## One user: what there was to see, and what is made of it

# COMMAND ----------

user = dbutils.widgets.get("user") or scores["user_id"].iloc[0]
display(read_user(tables, user, bench.as_of))
display(scores[scores["user_id"] == user])
display(newest[newest["user_id"] == user].T.reset_index())

# COMMAND ----------

# MAGIC %md
# MAGIC ## Train by hand
# MAGIC
# MAGIC With the parameters of the models in use; change some, leave rows or columns out of `features`, add columns of
# MAGIC your own. `bench.fit(features, labels)` alone searches for parameters.

# COMMAND ----------

params = {**champion.params}
fitted = bench.fit(features, labels, params)
print(fitted.why)
display(fitted.metrics)
display(charts.plot_importances(fitted.importances))

# COMMAND ----------

display(bench.score(fitted.pair, newest).sort_values("propensity", ascending=False).head(20))
