"""How people speak of whom a list is about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """How people speak of whom a list is about: those who act, or those who stay away."""

    act: str
    acts: str
    acted: str


ACTING, STAYING = Words("act", "acts", "acted"), Words("stay away", "stays away", "stayed away")
