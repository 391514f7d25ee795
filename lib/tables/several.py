"""The columns of the tables that only a run of several questions writes."""

QUESTION_RUNS = {
    "run_id": "string",
    "question": "string",  # its slug
    "name": "string",  # as the question file calls it; else its slug
    "stage": "string",  # the notebook's name
    "as_of": "date",
    "state": "string",  # done or failed
    "error": "string",  # why it failed; null where it did not
    "said": "string",  # what the stage said of the question, as JSON: whether retrain is needed, its summary
    "number": "bigint",  # 1, 2, ... within the run: what is noted later counts
    "repair_count": "bigint",  # as in decisions
}
PROFILES = {  # and for each question, by its name:
    "user_id": "string",  # NAME_propensity double, NAME_decile int, NAME_held_out boolean, NAME_expected_value double
    "as_of": "date",  # of the newest of the lists
    "contradiction": "string",  # which shorter horizon has a higher propensity than a longer one; null where none has
}
WIDE = {"profiles": ("double", "int", "boolean")}  # which has more columns, of these types
