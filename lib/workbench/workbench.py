"""Features, labels, fit and score of one question, on frames that fit into memory, by the rules of the stages.

    bench = Workbench(activity, {"action": "buy", "horizon_days": 28, "as_of": "2024-06-03"})
    features = bench.features()
    labels = bench.labels(features)
    fitted = bench.fit(features, labels)
    scores = bench.score(fitted.pair, features)

The same tables, SQL and functions as a run's, on DuckDB and Arrow instead of Spark and Delta: the same rows give the
same numbers to the last digit. Nothing is written, and no model is registered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import pyarrow as pa

from lib.attributes.columns import NOTE, TABLE, UsersNote, is_attribute
from lib.config.stages import ExtractConfig, RetrainConfig
from lib.errors import ConfigError
from lib.explain.dictionary import describe_features
from lib.features import extraction
from lib.features.extraction import AskedTypes, Extraction
from lib.labels import cohorts
from lib.labels.labels import labelled_sql
from lib.models.pair import Pair, Params
from lib.stages.champion import part_cutoffs, shape_rows
from lib.stages.records import metric_rows
from lib.stages.scoring import make_scorer
from lib.tables.contracts import USER_ATTRIBUTES
from lib.tables.memory import MemoryTables
from lib.tables.schemas import arrow_schema, to_pandas
from lib.training.challenger import ChallengerRequest, make_challenger
from lib.training.search import SearchResult
from lib.workbench.frames import KEYS, ROWS, check_readable, join_labels, read_asked
from lib.workbench.sample import Users


@dataclass(frozen=True)
class Fitted:
    """A pair that was fitted by hand, and how it did on the holdout before it learnt from that too."""

    pair: Pair
    params: Params  # by which it was fitted: `fit` takes them again
    metrics: pd.DataFrame  # metric, measured, low, high, threshold: as `train` and `retrain` show them
    importances: pd.DataFrame  # name of a group of features, mean and std of what the log loss rises without it
    why: str  # whether a run would have put it in use, there being no other


class Workbench:
    """One question, asked of rows of `daily_activity` that fit into memory.

    Parameters
    ----------
    activity : DataFrame[user_id string, day date, event_type string, known_day date, count int, value float, items]
        Rows of the table `daily_activity`, whole users, in any order; `items` are lists of texts.
    asked : {parameter: value}
        By the names of the catalogue: `action` and `as_of` are needed, all others have their defaults.
    users : Users or None
        Who the users are, where models may read attributes, or the question asks about users by them.
    types : AskedTypes or None
        Where the rows are a sample: the event types of everybody, by which columns are chosen; None: those of the rows.
    identities : DataFrame or None
        Rows of the table `identities`, where ids are joined to persons.
    named : DataFrame or None
        Rows of the table `named_activity`, where the question names actions.

    Raises
    ------
    ConfigError
        If a parameter is not known or cannot be read, or the day is not said.
    SourceError, NotEnoughHistory
        As the stage `extract_features`: the action is not there, or there are too few days.
    """

    def __init__(
        self,
        activity: pd.DataFrame,
        asked: Mapping[str, object],
        users: Users | None = None,
        types: AskedTypes | None = None,
        identities: pd.DataFrame | None = None,
        named: pd.DataFrame | None = None,
    ) -> None:
        get = read_asked(asked, with_users=users is not None)
        self.config = RetrainConfig.from_widgets(get)
        if self.config.as_of is None:
            raise ConfigError("as_of is blank, and nothing here says what the day is. Give one, like 2024-06-03.")
        self.tables = MemoryTables()
        self.tables.replace("daily_activity", activity, "1 = 1")
        for name, rows in (("identities", identities), ("named_activity", named)):
            if rows is not None:
                self.tables.replace(name, rows, "1 = 1")
        self._types = types
        self._attributes = users.attributes if users else ()
        if users:
            stored = (*users.attributes, *users.others)
            schema = arrow_schema(USER_ATTRIBUTES | {one.stored: one.stored_type for one in stored})
            rows = pa.Table.from_pandas(users.rows[schema.names], schema=schema, preserve_index=False)
            self.tables.replace(TABLE, rows, "1 = 1")
            self.tables.set_property(TABLE, NOTE, UsersNote("a frame", stored).to_json())
        self.extraction, _, _ = extraction.build_missing(
            ExtractConfig.from_widgets(get), self.tables, self.config.as_of, finish=self._with_attributes, run=types
        )

    @property
    def as_of(self) -> date:
        """The newest cutoff: what it is followed by is not known."""
        return self.extraction.cutoffs.as_of

    def _with_attributes(self, extracted: Extraction) -> Extraction:
        return replace(extracted, attributes=self._attributes)

    def features(self) -> pd.DataFrame:
        """What was known of those who are asked about, at each cutoff.

        Returns
        -------
        DataFrame[user_id string, cutoff date, <feature> float32, <attribute> string or float]
            A row per user of the cohort and cutoff, the newest cutoff first: `as_of`, then the matured ones.
            `./propensity features` says what each column means. A column that a cutoff did not know is missing there.
        """
        sql = cohorts.cohort_sql(self.config.question, self.extraction.cutoffs.all, self._attributes)
        return self.tables.query(f"SELECT * FROM ({sql}) c ORDER BY cutoff DESC, user_id")

    def describe(self, features: pd.DataFrame) -> pd.DataFrame:
        """What the columns of these rows mean.

        Returns
        -------
        DataFrame[feature, about, meaning, unit string]
            A row per column, as in the table `feature_dictionary`.
        """
        attributes = [one for one in self._attributes if set(one.columns) <= set(features)]
        columns = [str(name) for name in features if name not in KEYS.names and not is_attribute(str(name))]
        return describe_features(columns, self._kinds(), attributes, self.config.question.named)

    def _kinds(self) -> Iterable[str]:
        sql = "SELECT DISTINCT event_type FROM {daily_activity} ORDER BY event_type"
        return self._types.first_seen if self._types else list(self.tables.query(sql)["event_type"])

    def labels(self, features: pd.DataFrame) -> pd.DataFrame:
        """What happened to the users of these rows, at the cutoffs whose horizon is over.

        Parameters
        ----------
        features : DataFrame[user_id string, cutoff date, ...]

        Returns
        -------
        DataFrame[user_id string, cutoff date, label int]
            1: did what is asked about on the days `[cutoff, cutoff + horizon)`, as far as it was known before as_of.
        """
        matured = self.extraction.cutoffs.matured
        rows = features.loc[features["cutoff"].isin(matured), ["user_id", "cutoff"]]
        self.tables.lend(ROWS, pa.Table.from_pandas(rows, schema=KEYS, preserve_index=False))
        sql = labelled_sql(f"SELECT user_id, cutoff FROM {ROWS}", self.config.question, matured, self.as_of)
        return self.tables.query(f"SELECT * FROM ({sql}) l ORDER BY cutoff DESC, user_id")

    def fit(
        self,
        features: pd.DataFrame,
        labels: pd.DataFrame,
        params: Params | None = None,
        say: Callable[[str], None] = print,
    ) -> Fitted:
        """Fit a pair as `retrain` does: on the training cutoffs, measured on the holdout, fitted anew where it is good.

        Parameters
        ----------
        features, labels : DataFrame
            As the two methods give them; columns and rows may be taken away, and columns added. All rows are learnt
            from: a run samples them beyond `max_training_rows`.
        params : parameters of the search space or None
            Those of a version, or of another fit; None: a search of `n_trials` trials finds some.

        Raises
        ------
        ContractBroken
            If there is more than one row of a user and cutoff, or a label without its features.
        OneClass
            If everybody or nobody acted, at the training cutoffs or at the holdout.
        """
        rows = shape_rows(self.config, self.tables, join_labels(features, labels))
        acted = rows.frame.groupby("cutoff")["label"]
        counts = pd.DataFrame({"users": acted.size(), "acted": acted.sum()})
        parts = part_cutoffs(self.config, self.extraction.cutoffs, counts)
        named = SearchResult(dict(params), float("nan"), ()) if params else None
        request = ChallengerRequest(self.config, self.as_of, rows, parts, None, False, named, self._kinds())
        made = make_challenger(request, say)
        metrics = metric_rows(made.trained.quality, self.config.thresholds)
        return Fitted(made.pair, made.pair.params, metrics, pd.DataFrame(made.importances), made.trained.choice.why)

    def score(self, pair: Pair, features: pd.DataFrame, reasons: int = 3) -> pd.DataFrame:
        """What a pair says of some rows, and why.

        Parameters
        ----------
        pair : Pair
            One that was fitted here, or that a registry has loaded.
        reasons : int
            How many a user gets at the most.

        Returns
        -------
        DataFrame[user_id string, cutoff date, propensity double, reasons string]
            A row per row of `features`, in their order; `reasons` null where nothing stands out.

        Raises
        ------
        ModelError
            If the rows lack a column that the pair reads; of an event type that nobody has, all columns may lack.
        """
        check_readable(pair, features, self.extraction.pooled)
        score = make_scorer(pair, self.config.question, "", reasons)
        scored = score(pa.Table.from_pandas(features, preserve_index=False))
        return to_pandas(scored.select(["user_id", "cutoff", "propensity", "reasons"]))
