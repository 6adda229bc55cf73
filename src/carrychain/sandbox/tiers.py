"""How far a file is kept in, and the evidence for it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import total_ordering
from typing import NamedTuple


@total_ordering
class Tier(Enum):
    """How far a file is kept in; `Tier.PROCESS < Tier.LIMITS < Tier.CONFINED < Tier.ISOLATED`.

    PROCESS: a process group of its own that is killed at the end, with an empty environment, a
    temporary folder, a clock, and bounds on what it prints and answers. LIMITS: the kernel bounds
    processor time, memory, and open files, and lets it put nothing into any file. CONFINED: it
    also makes and changes no file, starts no process, opens no connection, and neither signals nor
    reads another process. ISOLATED: it also reads nothing but Python's own files, installed
    packages, and the folder that it was given.
    """

    PROCESS = "process"
    LIMITS = "limits"
    CONFINED = "confined"
    ISOLATED = "isolated"

    def __lt__(self, other: Tier) -> bool:
        tiers = list(Tier)
        return tiers.index(self) < tiers.index(other)

    def __str__(self) -> str:
        return self.value


class Evidence(NamedTuple):
    """What became of an attempt to break one protection, made in a child that was kept in.

    Args:
        protection: what is protected; a key of `NEEDED_FOR`.
        enforced: whether the attempt failed.
        sentence: what was tried and what happened.
    """

    protection: str
    enforced: bool
    sentence: str


NEEDED_FOR = {
    "processor time": Tier.LIMITS,
    "memory": Tier.LIMITS,
    "file size": Tier.LIMITS,
    "open files": Tier.LIMITS,
    "writing": Tier.CONFINED,
    "processes": Tier.CONFINED,
    "network": Tier.CONFINED,
    "signals": Tier.CONFINED,
    "other processes' memory": Tier.CONFINED,
    "reading": Tier.ISOLATED,
    "own user": None,
}
"""Every protection, and the lowest tier that needs it; None: it is a second wall behind others."""


def reached(evidence: Iterable[Evidence]) -> Tier:
    """Return the highest tier of which every protection, and every one below it, is enforced."""
    enforced = {each.protection for each in evidence if each.enforced}
    missing = [t for name, t in NEEDED_FOR.items() if t is not None and name not in enforced]
    return max(tier for tier in Tier if all(tier < lacking for lacking in missing))


MECHANISMS = ("user", "landlock", "seccomp")
"""What stands behind the upper tiers on Linux, in the order in which a child takes it on."""
