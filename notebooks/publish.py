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
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config import question_file
from lib.config.stages import PublishConfig
from lib.registry import mlflow_registry
from lib.stages import cleaning, publish
from lib.stages.comparing import compare_questions
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
# share of the users whom nobody is to contact, to see what contacting adds
dbutils.widgets.text("held_out_share", "", "Held out share: 0.1")
# question: users left alone for each question; home: the same for all of a home
dbutils.widgets.dropdown("hold_out_for", "", ["", "question", "home"], "Hold out for: question")
# tables and .csv or .parquet files of users who are to be on no list: user_id, reason, until
dbutils.widgets.text("suppress", "", "Suppress: none")
# a file to write the list to as well, for contacting; beside it one of the users to leave alone
dbutils.widgets.text("export", "", "Export: none")
# what channel loads that file; docs/operations.md has what each takes
dbutils.widgets.text("export_format", "", "Export format: csv or parquet, by the ending")
# the file's columns, like propensity=score,decile
dbutils.widgets.text("export_columns", "", "Export columns: the format's own")
# a table or file with user_id and email or phone, for channels that match by these
dbutils.widgets.text("export_identifiers", "", "Export identifiers: none")
# whom that file holds at the most: so many users, or a share like 20%; 0: all but the users held out
dbutils.widgets.text("export_top", "", "Export top: 0")
# what an action is worth; with the cost: the file holds whom contacting pays for
dbutils.widgets.text("value_of_action", "", "Value of action: none")
# what a contact costs, in the currency of the value
dbutils.widgets.text("cost_of_contact", "", "Cost of contact: none")
# who was contacted in so many days before as_of, on whatever question, is in no file
dbutils.widgets.text("quiet_days_after_contact", "", "Quiet days after contact: 0")
# whom a file holds first: the likeliest, or, once shown to be better, whom a contact moves most
dbutils.widgets.dropdown("order", "", ["", "propensity", "uplift"], "Order: propensity")
# what users do, in the words of a report, like: buy coffee
dbutils.widgets.text("action_name", "", "Action name: made of action")
# of value_of_action and cost_of_contact, like EUR, where amounts are shown
dbutils.widgets.text("currency", "", "Currency: none")
# tables and .csv or .parquet files of who was contacted: user_id, day, channel, question
dbutils.widgets.text("contacted", "", "Contacted: none")
# last day of a catch-up, set by --catch-up: lists of earlier days are recorded, not put in use
dbutils.widgets.text("catch_up_to", "", "Catch up to: none")
# folder for the report of each list; on one machine the home has one
dbutils.widgets.text("reports", "", "Reports: none")

# --- What is learnt from
# seed of all chance: the same run gives the same rows
dbutils.widgets.text("seed", "", "Seed: 0")
# so many days after its end a horizon counts as matured: late events are waited for
dbutils.widgets.text("label_complete_after_days", "", "Label complete after days: 0")

# --- When a run is stopped or a list kept back
# quiet days before as_of that are no error
dbutils.widgets.text("max_source_gap_days", "", "Max source gap days: longest gap of 90 days")
# whether a run for a day before the newest list may change what is in use
dbutils.widgets.dropdown("replace_newer", "", ["", "false", "true"], "Replace newer: false")
# how much larger one of the new and the last list may be
dbutils.widgets.text("max_users_change", "", "Max users change: 0.5")
# how far propensities may have moved since the last list, or a new pair's from the pair's before
dbutils.widgets.text("max_score_shift", "", "Max score shift: 0.5")
# how many times the base rate the mean propensity may be, or the other way round
dbutils.widgets.text("max_rate_ratio", "", "Max rate ratio: 3")

# --- How long things are kept
# features of a cutoff, beyond the 29 newest; whoever asks for others has them computed again
dbutils.widgets.text("keep_features_days", "", "Keep features days: 210")
# scores of a cutoff whose outcome stands, beyond the 29 newest, and who was left out of its list
dbutils.widgets.text("keep_predictions_days", "", "Keep predictions days: 210")
# lists that went out of use, but for the last of each question
dbutils.widgets.text("keep_lists_days", "", "Keep lists days: 90")
# what runs noted for themselves (drift, attribute_checks, question_runs), but for the last ones
dbutils.widgets.text("keep_notes_days", "", "Keep notes days: 210")
# earlier versions of tables, by which a wrong load is undone; deployed, of the activity
dbutils.widgets.text("keep_versions_days", "", "Keep versions days: 30")
# versions of models that were never in use
dbutils.widgets.text("keep_models_days", "", "Keep models days: 400")
# reports of lists, but for each question's newest
dbutils.widgets.text("keep_reports_days", "", "Keep reports days: 210")
# run pages on one machine, but for each question's last
dbutils.widgets.text("keep_runs_days", "", "Keep runs days: 90")
# studies of searches on one machine, but for each question's newest
dbutils.widgets.text("keep_studies_days", "", "Keep studies days: 90")

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
configs = [PublishConfig.from_widgets(entry.get(dbutils.widgets.get)) for entry in entries]

# COMMAND ----------

tables = delta.DeltaTables(spark, configs[0].schema)
turns = Turns("publish", entries, configs, tables)
for stage in turns.redo():  # where this task is tried again, what failed before begins where it failed
    dbutils.notebook.run(stage, 7200, dbutils.widgets.getAll())

# COMMAND ----------

for turn in turns.due():
    with turn:  # each question by itself: one that fails holds up no other
        models = mlflow_registry.MlflowRegistry(turn.config.models, turn.config.experiment)
        published = publish.run(Context(turn.config, tables, models))
        print(published.summary)
        display(published.rows)
        displayHTML(published.page)
        turn.say(
            in_use=published.in_use, report=published.report, summary=published.summary, headline=published.headline,
            **published.figures,
        )  # fmt: skip

# COMMAND ----------

compared = compare_questions(turns)  # of several: side by side, with a row per user in the table profiles
if len(compared.table):
    display(compared.table)

dbutils.jobs.taskValues.set(key="headline", value=turns.headline)
dbutils.jobs.taskValues.set(key="in_use", value=turns.any("in_use"))
dbutils.jobs.taskValues.set(key="report", value=compared.report)
dbutils.jobs.taskValues.set(key="summary", value=turns.summary)
turns.close()

# COMMAND ----------

registries = {one.models: mlflow_registry.MlflowRegistry(one.models, one.experiment) for one in configs}
print(cleaning.clean_up([Context(one, tables, registries[one.models]) for one in configs]))  # what has been kept enough
