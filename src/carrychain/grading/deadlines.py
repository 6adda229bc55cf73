"""Which attempts count: deadlines, attempts a day, and what a late one keeps. The rules are data.

Times are instants in UTC; a day is a calendar day where the class is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AwareDatetime, Field

from carrychain.errors import InvalidInput, nearest
from carrychain.grading.integrity.verdict import Verdict
from carrychain.grading.merit import merit
from carrychain.grading.rubric import IntegrityRules, load_rubric
from carrychain.grading.tables import Table

Standing = Literal["ranked", "late", "flagged", "beyond"]
"""Whether an attempt is ranked, or why not: handed in late, flagged, or beyond the day's number."""


class Step(Table):
    """What an attempt that is late by up to so many hours keeps of its points, 0 to 1."""

    hours: float = Field(gt=0)
    keeps: float = Field(ge=0, le=1)


class Late(Table):
    """What becomes of late attempts.

    Args:
        steps: in rising order of hours; the first that is long enough holds.
        after: the share of its points that one later than all steps keeps, 0 to 1.
        ranked: whether late attempts stand on the leaderboard.
    """

    steps: tuple[Step, ...] = Field(default=(), strict=False)
    after: float = Field(default=1.0, ge=0, le=1)
    ranked: bool = True

    def keeps(self, late: timedelta) -> float:
        """Return the share of its points that an attempt keeps, 1 where it is in time."""
        if late <= timedelta(0):
            return 1.0
        hours = late / timedelta(hours=1)
        return next((step.keeps for step in self.steps if hours <= step.hours), self.after)


class Policy(Table):
    """The rules of a class for attempts.

    Args:
        time_zone: where the class is, such as Europe/Berlin.
        deadline: the last moment; None for no deadline.
        extensions: another deadline for the students of these net ids.
        attempts_a_day: those beyond are kept and not looked at; None for no limit.
        counts: which attempt is a student's: the best or the latest.
        late: what becomes of late attempts.
        integrity: what becomes of flagged ones; the rubric's.
    """

    time_zone: str = "UTC"
    deadline: AwareDatetime | None = None
    extensions: dict[str, AwareDatetime] = Field(default_factory=dict)
    attempts_a_day: int | None = Field(default=None, ge=1)
    counts: Literal["best", "latest"] = "best"
    late: Late = Late()
    integrity: IntegrityRules = Field(default_factory=lambda: load_rubric().integrity)

    def deadline_of(self, net_id: str) -> datetime | None:
        """Return a student's own deadline, else that of all."""
        return self.extensions.get(net_id, self.deadline)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a student, as far as the rules look at it.

    Args:
        id: names it; of two handed in at one moment, the lower came first.
        handed_in: when.
        verdict: clean, flagged or review.
        score: points before the rules.
        acc, mae, length: accuracy, error and rendered prompt length, which break ties.
    """

    id: int
    handed_in: datetime
    verdict: Verdict
    score: float
    acc: float | None
    mae: float | None
    length: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say of an attempt.

    Args:
        attempt: which.
        late: by how much; 0 where it is in time.
        points: its score, less what lateness takes.
        standing: whether it is ranked, or why not.
    """

    attempt: Attempt
    late: timedelta
    points: float
    standing: Standing

    @property
    def merit(self) -> str:
        """The place among others; less is better, and equal is a tie."""
        return merit(self.points, self.attempt.acc, self.attempt.mae, self.attempt.length)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules say of all attempts of a student, at least one.

    Args:
        judged: in the order of handing in.
        counts: the one that gives the grade. Where the best counts, one that is not flagged goes
            before one that is.
        ranked: the one on the leaderboard; None where none may stand there.
        latest: the last.
    """

    judged: tuple[Judged, ...]
    counts: Judged
    ranked: Judged | None
    latest: Judged


def judge(net_id: str, attempts: Sequence[Attempt], policy: Policy) -> Outcome:
    """Apply the rules of a class to all attempts of a student, at least one."""
    zone = zone_of(policy.time_zone)
    deadline = policy.deadline_of(net_id)
    on_day: Counter[date] = Counter()
    judged: list[Judged] = []
    for attempt in sorted(attempts, key=lambda each: (each.handed_in, each.id)):
        day = attempt.handed_in.astimezone(zone).date()
        on_day[day] += 1
        beyond = policy.attempts_a_day is not None and on_day[day] > policy.attempts_a_day
        past = attempt.handed_in - deadline if deadline is not None else timedelta(0)
        late = max(past, timedelta(0))
        standing: Standing = "ranked"
        if beyond:
            standing = "beyond"
        elif attempt.verdict == "flagged":
            standing = "flagged"
        elif late and not policy.late.ranked:
            standing = "late"
        judged.append(Judged(attempt, late, attempt.score * policy.late.keeps(late), standing))
    # The first attempt of a day is never beyond, so there is always one that counts.
    within = [each for each in judged if each.standing != "beyond"]
    ranked = [each for each in within if each.standing == "ranked"]
    choose = _best if policy.counts == "best" else _last
    return Outcome(tuple(judged), choose(within), choose(ranked) if ranked else None, judged[-1])


def _best(judged: Sequence[Judged]) -> Judged:
    return min(judged, key=lambda each: (each.attempt.verdict == "flagged", each.merit))


def _last(judged: Sequence[Judged]) -> Judged:
    return judged[-1]


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of a name such as America/New_York.

    Raises:
        InvalidInput: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"time_zone is {name!r}; it must be a name such as America/New_York or UTC"
            + _nearest(name)
        ) from None


def _nearest(name: str) -> str:
    said = nearest(name, available_timezones())
    return said if "did you mean" in said else ""


def instant(local: datetime, time_zone: str) -> datetime:
    """Return the instant that a clock in a time zone means, in UTC.

    A time that comes twice, when clocks go back, is the later one, which is fair to students.

    Args:
        local: a date and time; one that has an offset of its own keeps to that.
        time_zone: a name such as America/New_York.

    Raises:
        InvalidInput: there is no such zone, or the clocks there skip this time.

    Example:
        >>> instant(datetime(2026, 11, 1, 1, 30), "America/New_York").isoformat()
        '2026-11-01T06:30:00+00:00'
    """
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    zone = zone_of(time_zone)
    at = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) != local:
        raise InvalidInput(
            f"{local:%Y-%m-%d %H:%M} does not exist in {time_zone}: the clocks go forward over it; "
            "name a time an hour later"
        )
    return at


def lateness(late: timedelta) -> str:
    """Write by how much an attempt is late, rounded up: `2 d 3 h`, `5 min`; "" where it is not.

    Example:
        >>> lateness(timedelta(hours=51)), lateness(timedelta(seconds=61)), lateness(timedelta(0))
        ('2 d 3 h', '2 min', '')
    """
    minutes = -(-late // timedelta(minutes=1))
    if minutes <= 0:
        return ""
    if minutes < 60:
        return f"{minutes} min"
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "d"), (hours, "h"), (minutes % 60 if not days else 0, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
