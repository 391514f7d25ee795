"""What is noted with a pair besides its parameters and metrics, and how it is kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from lib.errors import ContractBroken

# note -> what JSON gives for it; notes of earlier versions may lack any
JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "reference": dict, "sharpness": (int, float), "typical": dict, "names": dict, "importances": list,
    "deciles": list, "intervals": dict, "adapts": str, "definition": str, "probe": dict,
    "others_rarer": bool,
}  # fmt: skip
BEFORE_NOTED = "3"  # what pairs learnt from that note no definition: the one in force until definitions were noted
OPTIONAL = ("reference", "typical", "adapts", "probe")  # null where there is none


@dataclass(frozen=True, kw_only=True)
class PairNotes:
    """What is known of a pair beyond its parameters and metrics; all of it can be written as JSON.

    A pair that was registered before a note came to be has that note's default.
    """

    reference: Mapping[str, Any] | None = None  # how the newest features learnt from were spread: evaluation.drift
    sharpness: float = 1.0  # the factor on the log-odds that its probabilities are calibrated by
    typical: Mapping[str, float] | None = None  # feature column -> median of the newest cohort learnt from
    names: Mapping[str, str] = field(default_factory=dict)  # prefix of columns -> event type
    importances: Sequence[Mapping[Any, Any]] = ()  # groups of features: name, mean, std; the largest first
    deciles: Sequence[Mapping[Any, Any]] = ()  # of the rows judged on: decile, users, expected, observed
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # metric -> 90 % interval
    definition: str = BEFORE_NOTED  # of the features learnt from: DEFINITION in lib.features.vocabulary of that time
    adapts: str | None = None  # the holdout that showed the change of behaviour it was made for, ISO
    others_rarer: bool = False  # whether label 0 was the rarer one of the rows learnt from: metrics are of the rarer
    probe: Mapping[str, Any] | None = None  # rows of the pair's columns, and the scores it gave them when it was made

    @classmethod
    def from_json(cls, noted: Mapping[str, Any]) -> Self:
        """Read notes back; those that this version does not know are passed over.

        Raises
        ------
        ContractBroken
            If a note has another type than it was written with; the message names it and what was found.
        """
        values = {name: noted[name] for name in JSON_TYPES if name in noted}
        for name, value in values.items():
            blank = value is None and name in OPTIONAL
            if not blank and not isinstance(value, JSON_TYPES[name]):
                raise ContractBroken(f"the note {name} of a pair holds {str(value)[:40]!r}")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The notes as JSON holds them."""
        return asdict(self)
