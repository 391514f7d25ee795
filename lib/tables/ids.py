"""Where ids of users stand, and rows of theirs without: what forgetting goes by, said once."""

IDS = {  # where ids of users stand: the columns of tables, earlier versions and the logs' statistics of files included
    "daily_activity": ("user_id",),
    "named_activity": ("user_id",),
    "features": ("user_id",),
    "named_features": ("user_id",),
    "user_attributes": ("user_id",),
    "identities": ("user_id", "person"),
    "predictions": ("user_id",),
    "audience": ("user_id",),
    "earlier_lists": ("user_id",),
    "suppressions": ("user_id",),
    "contacts": ("user_id",),
    "evaluations": ("user_id",),
    "profiles": ("user_id",),
}
LAST = "identities"  # by which is known who goes together, so it stays until all else is done
MAY_NAME = {  # tables whose texts may repeat a value as it was found: which rows go whoever is forgotten
    "question_runs": "error IS NOT NULL",
}
STATISTICS = {  # columns whose least and greatest values a table's log may keep for each file: no ids
    "daily_activity": ("day", "known_day", "event_type"),
    "named_activity": ("day", "known_day", "event_type"),
    "features": ("cutoff",),
    "named_features": ("cutoff", "event_type"),
    "user_attributes": ("valid_from", "known_day"),
    "identities": ("joined_after", "joined_until"),
    "predictions": ("question", "cutoff"),
    "audience": ("question", "cutoff"),
    "earlier_lists": ("question", "cutoff", "number"),
    "suppressions": ("question", "cutoff"),
    "contacts": ("question", "cutoff", "day"),
    "evaluations": ("question", "cutoff"),
    "profiles": ("as_of",),
}
FILES_WITH_IDS = (  # and the files of a home that repeat some, besides those of these tables and `export`
    "sources/*",
    "reports/*/*.html",  # the head of the list
    "runs/*/*.html",  # executed notebooks, and the run page with what they sum up
    "notebooks/*.ipynb",  # opened by hand, with what they have shown
    "runs/*/run.json",
    "runs/*/spark.log",  # where Spark tells of a row
)
FILES_WITH_ROWS = {  # files of a home with users' features and no ids, and what these are
    "artifacts/models/*/artifacts/input_example.json": "the features of users that were judged on, or typical ones",
    "artifacts/models/*/artifacts/serving_input_example.json": "the same, as they are sent to a served model",
    "artifacts/**/folds/*": "the rows that a search on executors learnt from",
}
