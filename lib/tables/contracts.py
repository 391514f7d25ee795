"""The columns of every table, as data: checked where a table is written and where it is read."""

from lib.tables.several import PROFILES, QUESTION_RUNS, WIDE

DAILY_ACTIVITY = {
    "user_id": "string",
    "day": "date",
    "event_type": "string",
    "known_day": "date",  # = day where the source has no known_at; never before day
    "count": "bigint",
    "value": "double",  # sum; null where no event of the row had one
    "items": "array<string>",  # distinct, sorted; null where rows come aggregated or nameless
}
NAMED_ACTIVITY = {  # of named actions, whose events are among those of daily_activity too
    "user_id": "string",
    "day": "date",
    "event_type": "string",  # the name with a digest of its definition: lib.expressions.named
    "known_day": "date",
    "count": "bigint",
    "value": "double",
}
FEATURES = {"user_id": "string", "cutoff": "date"}  # and wide feature columns, all float
NAMED_FEATURES = {"user_id": "string", "cutoff": "date", "event_type": "string"}  # and those of one type, all float
USER_ATTRIBUTES = {  # and a column of each attribute: a string, or a double
    "user_id": "string",
    "valid_from": "date",  # the row holds after this day; null: always
    "known_day": "date",  # the day on which it became known; null: always
    "number": "bigint",  # 1, 2, ...: the order of a user's rows; of those that count the last one says what holds
}
FEATURE_DICTIONARY = {
    "feature": "string",  # a column of features, or of an attribute beside them
    "about": "string",  # in the words of reasons: an event type, an aspect of all, or an attribute
    "meaning": "string",
    "unit": "string",
}
IDENTITIES = {  # of each id that was ever joined: whose its events are, at which moments
    "user_id": "string",  # as the events have it
    "person": "string",  # whose they are; itself, until it is known better
    "first_day": "date",  # events of days [first_day, end_day)
    "end_day": "date",
    "joined_after": "date",  # seen at moments (cutoffs, ends of labels) after this day
    "joined_until": "date",  # and up to this one
}
MODEL_CHECKS = {
    "run_id": "string",
    "question": "string",  # its slug
    "as_of": "date",
    "holdout": "date",  # newest cutoff judged on
    "preprocessing_version": "string",  # of the champion judged; null without one
    "prediction_version": "string",
    "answer": "string",  # good, bad or cannot_tell
    "retrain_needed": "boolean",
    "reasons": "string",
    "metric": "string",  # one row per metric, and `auc of country: ES` of a segment; null where nothing was measured
    "measured": "double",
    "low": "double",  # 90 % interval over users
    "high": "double",
    "threshold": "double",  # in the metric's unit; its direction: lib.evaluation.verdict; null where none is set
}
DECISIONS = {
    "run_id": "string",
    "question": "string",
    "as_of": "date",
    "kind": "string",  # kept, promoted, rejected, rolled_back
    "preprocessing_version": "string",  # the pair in use from this decision on
    "prediction_version": "string",
    "challenger_version": "string",  # prediction version that was compared, if any
    "why": "string",
    "low_evidence": "boolean",
    "number": "bigint",  # 1, 2, ...: the order in which decisions on the question were made, whatever their as_of
    "repair_count": "bigint",  # how often the run had been repaired by then, each time with the settings of that day
}
PREDICTIONS = {
    "question": "string",  # its slug
    "action": "string",  # event types, comma-separated
    "horizon_days": "int",
    "user_id": "string",
    "cutoff": "date",  # the propensity speaks of days [cutoff + starts_in_days, cutoff + starts_in_days + horizon)
    "propensity": "double",  # calibrated probability, 0 to 1, of doing it, or of not doing it where that is asked
    "preprocessing_version": "string",
    "prediction_version": "string",
    "run_id": "string",
    "reasons": "string",  # the strongest, in words, "; " between; null where there is none
    "starts_in_days": "int",  # null in rows of before it could be asked: 0
}
AUDIENCE = PREDICTIONS | {
    "rank": "int",  # 1 = highest propensity; ties by user_id
    "decile": "int",  # 1 = highest
    "low_evidence": "boolean",  # the pair had too little data to be shown good
    "percentile": "int",  # 1 = highest
    "band": "string",  # the propensity beside the list's mean, in words: lib.audience.ranking.BANDS
    "expected_actions": "double",  # of all users down to this row
    "held_out": "boolean",  # nobody is to contact this user, so that the effect of contacting can be measured
    "effect": "double",  # what a contact is estimated to add, where the list is in that order; else null
}
EARLIER_LISTS = AUDIENCE | {
    "number": "bigint",  # 1, 2, ...: the order in which lists of the question went out of use
}
SUPPRESSIONS = {
    "question": "string",  # its slug
    "cutoff": "date",  # of the list
    "user_id": "string",  # scored, and left out of that list
    "list": "string",  # the table or file that names the user, as the parameter suppress has it
    "reason": "string",
}
CONTACTS = {
    "user_id": "string",
    "question": "string",  # its slug; null: of no question in particular
    "cutoff": "date",  # of the list whose file the user stood in; null where somebody told of the contact
    "day": "date",  # chosen: the cutoff; contacted: when that was
    "channel": "string",  # of chosen the file's format; null where nobody said
    "kind": "string",  # chosen: stood in a file; control: held out, and else would have; contacted: as somebody told
    "source": "string",  # that file, or that table or file
}
PUBLICATIONS = {
    "question": "string",  # its slug
    "run_id": "string",
    "cutoff": "date",  # of the list
    "kind": "string",  # published, rolled_back, undone: in use again; recorded: made, and not put in use
    "number": "bigint",  # 1, 2, ...: the order in which lists on the question came into use or were recorded
    "preprocessing_version": "string",
    "prediction_version": "string",
    "users": "bigint",
    "mean_propensity": "double",
    "base_rate": "double",  # of the newest matured cutoff
    "held_out_share": "double",  # asked for; of the users, about so many are held out
    "seed": "bigint",  # by which they were drawn
    "previous_cutoff": "date",  # of the last list of an earlier cutoff; null where there is none, as all below
    "entered": "bigint",  # users of this list that the previous one had not
    "left": "bigint",
    "jaccard": "double",  # of the two highest deciles: users in both, of those in either
    "mean_shift": "double",  # of the mean propensity
    "score_shift": "double",  # largest distance of the two distributions (Kolmogorov-Smirnov), 0 to 1
    "repair_count": "bigint",  # as in decisions
    "scored": "bigint",  # users: those of the list, and those left out of it
    "suppressed": "bigint",  # users left out
    "suppressed_by": "string",  # the same by reason, as JSON
    "suppress_lists": "string",  # the lists that were looked at, each with its rows, as JSON
    "chosen": "bigint",  # users in the file; null where there is none
    "hold_out_for": "string",  # for whom users are held out: question or home; null, of before: question
    "quiet": "bigint",  # users of the list, not held out, who are left alone since they were contacted of late
}
OUTCOMES = {
    "question": "string",  # its slug
    "action": "string",  # event types, comma-separated
    "horizon_days": "int",
    "cutoff": "date",  # of the scores; what is observed lies on the days that `predictions` says
    "as_of": "date",  # what became known before this day counts
    "preprocessing_version": "string",  # of the pair that scored
    "prediction_version": "string",
    "part": "string",  # all; decile 1 to decile 10; a band; held out, not held out, or suppressed; a segment
    "users": "bigint",
    "expected": "double",  # actions: the sum of the propensities
    "observed": "bigint",  # users that did it, or that did not where that was asked
    "metric": "string",  # one row per metric, as in model_checks
    "measured": "double",
    "low": "double",  # 90 % interval over users
    "high": "double",
    "word": "string",  # of part all: how good the scores proved to be, lib.audience.outcomes.WORDS
}
EVALUATIONS = {  # only where the parameter evaluations says so
    "question": "string",  # its slug
    "user_id": "string",
    "cutoff": "date",  # of the score; what is observed lies on the days that `predictions` says
    "propensity": "double",
    "label": "int",  # 1: the user did it, or did not where that was asked
    "prediction_version": "string",  # of the pair that scored
    "as_of": "date",  # what became known before this day counts
}
DRIFT = {
    "run_id": "string",
    "question": "string",  # its slug
    "as_of": "date",
    "prediction_version": "string",  # of the pair whose features are compared with those that it learnt from
    "feature": "string",
    "psi": "double",  # population stability index, less its noise
    "low": "double",  # 90 % interval
    "high": "double",
    "drifted": "boolean",
}
ATTRIBUTE_CHECKS = {  # of attributes whose rows have no times, which may know what came later
    "question": "string",  # its slug
    "as_of": "date",
    "attribute": "string",
    "finding": "string",  # nothing found, not checked, or knows what happened
    "trusted": "boolean",  # named by trusted_attributes
    "used": "boolean",  # models of this run may read it
    "auc": "double",  # of the attribute alone, on the newest matured cutoff; null where nothing was measured
    "events_auc": "double",  # of what the users did before
    "added": "double",  # what it tells beyond the events, as a factor on its log-odds, there
    "added_before": "double",  # the same on an old cutoff
    "why": "string",
}
SOURCE_CHECKS = {
    "as_of": "date",
    "events": "string",  # the source, as the parameter names it
    "kind": "string",  # told, corrected, stopped, accepted or mended
    "message": "string",
    "first_day": "date",  # of those it speaks of, by known day; null: of none in particular, and in rows of before
    "last_day": "date",
    "about": "string",  # an event type, or what was counted; null: all events
    "had": "bigint",  # events of these days before, or as is usual
    "has": "bigint",
    "needed": "bigint",  # of told ones: with so many they are mended
}
FORGOTTEN = {
    "digest": "string",  # of a forgotten user's id, 128 bits in hexadecimal, by a key that lies elsewhere
    "forgotten_on": "date",
    "shown_on": "date",  # when a run met the user in the source last; at first the day of the request
}
CONTRACTS = {
    "daily_activity": DAILY_ACTIVITY,
    "named_activity": NAMED_ACTIVITY,
    "features": FEATURES,
    "named_features": NAMED_FEATURES,
    "user_attributes": USER_ATTRIBUTES,
    "feature_dictionary": FEATURE_DICTIONARY,
    "identities": IDENTITIES,
    "model_checks": MODEL_CHECKS,
    "decisions": DECISIONS,
    "predictions": PREDICTIONS,
    "audience": AUDIENCE,
    "earlier_lists": EARLIER_LISTS,
    "suppressions": SUPPRESSIONS,
    "contacts": CONTACTS,
    "publications": PUBLICATIONS,
    "outcomes": OUTCOMES,
    "evaluations": EVALUATIONS,
    "drift": DRIFT,
    "attribute_checks": ATTRIBUTE_CHECKS,
    "source_checks": SOURCE_CHECKS,
    "question_runs": QUESTION_RUNS,
    "profiles": PROFILES,
    "forgotten": FORGOTTEN,
}
OPEN = {  # tables with more columns, of these types
    "features": ("float",), "named_features": ("float",), "user_attributes": ("string", "double"), **WIDE,
}  # fmt: skip
ADDED = {  # columns that tables of earlier versions lack: null when read, there from the next write on
    "predictions": ("reasons", "starts_in_days"),
    "decisions": ("repair_count",),
    "source_checks": ("first_day", "last_day", "about", "had", "has", "needed"),
    "publications": (
        "repair_count", "scored", "suppressed", "suppressed_by", "suppress_lists", "chosen", "hold_out_for", "quiet",
    ),
    "audience": ("reasons", "starts_in_days", "percentile", "band", "expected_actions", "held_out", "effect"),
}  # fmt: skip
ADDED |= {"earlier_lists": ADDED["audience"]}
VERSIONED = "audience"  # the table whose versions hold the lists of before there was `earlier_lists`
