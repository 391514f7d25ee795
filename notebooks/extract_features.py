# Databricks notebook source
# MAGIC %md
# MAGIC # Extract features: what did every user do, as far as it was known?
# MAGIC
# MAGIC Brings `daily_activity` and `features` up to date with the events. Only new days are read.

# COMMAND ----------

import os
import sys

dbutils.widgets.text("bundle_root", "")  # a job says where its files lie; by hand it is the folder above
root = dbutils.widgets.get("bundle_root") or os.path.abspath("..")
sys.path.insert(0, root)

from lib.config import question_file
from lib.config.stages import ExtractConfig
from lib.stages import dictionary, extract_features
from lib.stages.turns import Turns
from lib.tables import delta

# COMMAND ----------

# parameters begin: widgets; ./propensity parameters writes what follows, from lib/config
# --- The events and the question
# where the events are: a table, a Delta folder, or files of CSV, JSON lines or Parquet
dbutils.widgets.text("events", "", "Events")
# other column names or expressions, like user_id=customer,event_time=timestamp_millis(ts)
dbutils.widgets.text("event_columns", "", "Event columns: none")
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

# --- How the events are read
# a ready-made mapping; what event_columns, event_where and event_key say counts over it
dbutils.widgets.text("event_preset", "", "Event preset: none")
# which rows count, like is_bot = 'false'
dbutils.widgets.text("event_where", "", "Event where: all")
# how text files are written, like sep=';',encoding=cp1252
dbutils.widgets.text("event_options", "", "Event options: as the files say")
# columns that are alike in rows of one event, which count once
dbutils.widgets.text("event_key", "", "Event key: every row is an event")
# columns that count one behaviour each, where a row is a user's day, like views,favorite=favourites
dbutils.widgets.text("event_unpivot", "", "Event unpivot: a row is an event")
# whose midnight begins a day, and what times without a zone are
dbutils.widgets.text("time_zone", "", "Time zone: UTC")
# further sources of the same log, a JSON list: each says its events and how they are read
dbutils.widgets.text("more_sources", "", "More sources: one source")
# a table or files with a row per user, whose columns are attributes like a country or a plan
dbutils.widgets.text("users", "", "Users: none")
# the columns of users that count, like user_id=customer,country=land,age=to_int(age)
dbutils.widgets.text("user_columns", "", "User columns: all, by their names")
# how text files of users are written, like sep=';'
dbutils.widgets.text("user_options", "", "User options: as the files say")
# a table or files that say which ids are one user's: id, user, and known_at, since when that is known
dbutils.widgets.text("identities", "", "Identities: none")
# other column names or expressions of identities, like id=anonymous_id,user=customer
dbutils.widgets.text("identity_columns", "", "Identity columns: none")
# how text files of identities are written, like sep=';'
dbutils.widgets.text("identity_options", "", "Identity options: as the files say")

# --- The list
# attributes by whose values lists are counted and models judged besides, like country,plan
dbutils.widgets.text("segments", "", "Segments: none")

# --- What is learnt from
# attributes to learn from although they seem to know what happened later
dbutils.widgets.text("trusted_attributes", "", "Trusted attributes: none")
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

# --- When a run is stopped or a list kept back
# share of a source's rows with an unusable value that may be left out
dbutils.widgets.text("max_bad_rows", "", "Max bad rows: 0")
# quiet days before as_of that are no error
dbutils.widgets.text("max_source_gap_days", "", "Max source gap days: longest gap of 90 days")
# the as_of of the one run that takes a source which has shrunk
dbutils.widgets.text("accept_shrunk", "", "Accept shrunk: none")
# of fewer events nothing is said by the bounds below: one user may have as many
dbutils.widgets.text("min_counted_events", "", "Min counted events: 50")
# share of their events that days read before may have lost; 1: all of them
dbutils.widgets.text("max_lost_share", "", "Max lost share: 0.05")
# share of its usual events that the newest week must have
dbutils.widgets.text("min_week_share", "", "Min week share: 0.5")
# the same, of the events that are asked about
dbutils.widgets.text("min_action_share", "", "Min action share: 0.5")
# the same, of each one of several sources
dbutils.widgets.text("min_source_share", "", "Min source share: 0.5")
# of its events those of users who were there in the four weeks before, as a share of the usual
dbutils.widgets.text("min_known_share", "", "Min known share: 0.5")
# of the users of the four weeks before those who came back in the newest, as a share of the usual
dbutils.widgets.text("min_returning_share", "", "Min returning share: 0.55")
# how far users do there what they did before, as a share of what is usual: of exchanged ids none
dbutils.widgets.text("min_likeness_share", "", "Min likeness share: 0.5")
# share of the days read before that may have twice their events
dbutils.widgets.text("max_doubled_share", "", "Max doubled share: 0.5")
# share of the newest week's events, or a day's, that may be there twice, by even numbers
dbutils.widgets.text("max_repeated_share", "", "Max repeated share: 0.75")
# a newest week with less than that share of its usual events is told
dbutils.widgets.text("told_week_share", "", "Told week share: 0.75")

# --- Where things are kept
# schema of all tables; on one machine choose a --home instead
dbutils.widgets.text("schema", "spark_catalog.propensity", "Schema")
# whether the table of features gets a primary key, so that Unity Catalog's feature store takes it
dbutils.widgets.dropdown("feature_keys", "", ["", "no", "yes"], "Feature keys: no")
# names the secret by which users who were forgotten are known again; on one machine the home has it
dbutils.widgets.text("forgotten_key", "", "Forgotten key: none")

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
configs = [
    ExtractConfig.from_widgets(entry.get(dbutils.widgets.get)).with_secrets(dbutils.secrets.get) for entry in entries
]
question_file.check_entries(entries, dbutils.widgets.getAll())  # in a job also what later tasks read

# COMMAND ----------

tables = delta.DeltaTables(spark, configs[0].schema)
log = extract_features.read(configs, tables)  # once for all questions

# COMMAND ----------

turns = Turns("extract_features", entries, configs, tables, log.as_of)
for turn in turns.due(lambda config: extract_features.is_prepared(config, tables, log)):
    with turn:  # each question by itself: one that fails holds up no other
        extracted = extract_features.prepare(turn.config, tables, log)
        print(extracted.summary)
        display(extracted.table)  # one row per cutoff: users seen so far, and those of the cohort
        turn.say(summary=extracted.summary)

# COMMAND ----------

# what each column means and in which unit: as a table, and as comments of the columns
print(dictionary.write_dictionary(tables, log.asked.first_seen, with_attributes=bool(configs[0].users)))

# COMMAND ----------

dbutils.jobs.taskValues.set(key="as_of", value=log.as_of.isoformat())
dbutils.jobs.taskValues.set(key="summary", value=turns.summary)
turns.close()
