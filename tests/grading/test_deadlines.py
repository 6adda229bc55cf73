"""Which attempts count: deadlines where the class is, attempts a day, what lateness takes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.errors import InvalidInput
from carrychain.grading.deadlines import Attempt, Policy, instant, judge, lateness
from carrychain.grading.merit import merit

NEW_YORK = "America/New_York"


def attempt(number, at, score=10.0, verdict="clean", acc=0.5):
    return Attempt(number, at, verdict, score, acc, 10.0, 40.0)


def local(*parts, zone=NEW_YORK):
    return instant(datetime(*parts), zone)


def standings(attempts, policy, net_id="a"):
    return [each.standing for each in judge(net_id, attempts, policy).judged]


def test_a_deadline_is_meant_where_the_class_is():
    deadline = local(2026, 12, 1, 23, 59)
    assert deadline == datetime(2026, 12, 2, 4, 59, tzinfo=UTC)
    policy = Policy(time_zone=NEW_YORK, deadline=deadline)
    in_time = attempt(1, datetime(2026, 12, 2, 4, 59, tzinfo=UTC))
    late = attempt(2, datetime(2026, 12, 2, 4, 59, 1, tzinfo=UTC))
    outcome = judge("a", [in_time, late], policy)
    assert [each.late for each in outcome.judged] == [timedelta(0), timedelta(seconds=1)]


def test_the_same_clock_time_is_another_instant_in_summer():
    assert local(2026, 7, 1, 12).hour == 16
    assert local(2026, 12, 1, 12).hour == 17


def test_a_time_that_comes_twice_is_the_later_one():
    assert local(2026, 11, 1, 1, 30) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_refused():
    with pytest.raises(InvalidInput, match="2026-03-08 02:30 does not exist in America/New_York"):
        local(2026, 3, 8, 2, 30)


def test_a_time_with_an_offset_keeps_it():
    at = datetime.fromisoformat("2026-12-01T23:59:00+02:00")
    assert instant(at, NEW_YORK) == datetime(2026, 12, 1, 21, 59, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "America", "../etc/passwd", "\0", "x" * 300])
def test_a_time_zone_that_is_none_is_one_sentence(name):
    with pytest.raises(InvalidInput, match="it must be a name such as America/New_York"):
        instant(datetime(2026, 1, 1), name)


def test_a_misspelt_time_zone_is_guessed():
    with pytest.raises(InvalidInput, match=r"did you mean .*Europe/Berlin"):
        instant(datetime(2026, 1, 1), "Europe/Berln")


def test_days_are_counted_where_the_class_is():
    policy = Policy(time_zone=NEW_YORK, attempts_a_day=1)
    evening = local(2026, 12, 1, 22)  # the next day already in UTC
    some = [
        attempt(1, local(2026, 12, 1, 9)),
        attempt(2, evening),
        attempt(3, evening + timedelta(hours=3)),
    ]
    assert standings(some, policy) == ["ranked", "beyond", "ranked"]


def test_a_day_on_which_the_clocks_go_back_is_one_day_of_25_hours():
    policy = Policy(time_zone=NEW_YORK, attempts_a_day=1)
    first = local(2026, 11, 1, 0, 10)
    some = [attempt(1, first), attempt(2, first + timedelta(hours=24, minutes=30))]
    assert standings(some, policy) == ["ranked", "beyond"]
    summer = local(2026, 7, 1, 0, 10)
    some = [attempt(1, summer), attempt(2, summer + timedelta(hours=24, minutes=30))]
    assert standings(some, policy) == ["ranked", "ranked"]


def test_flagged_attempts_are_counted_for_the_day():
    policy = Policy(attempts_a_day=1)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    some = [attempt(1, noon, verdict="flagged"), attempt(2, noon + timedelta(hours=1))]
    assert standings(some, policy) == ["flagged", "beyond"]
    assert judge("a", some, policy).ranked is None


@pytest.mark.parametrize(
    ("hours", "points"), [(-1, 10), (0, 10), (1, 9), (24, 9), (25, 5), (72, 5), (73, 0)]
)
def test_what_lateness_takes_is_data(hours, points):
    late = {"steps": [{"hours": 24, "keeps": 0.9}, {"hours": 72, "keeps": 0.5}], "after": 0.0}
    deadline = datetime(2026, 1, 1, tzinfo=UTC)
    policy = Policy.model_validate({"deadline": deadline, "late": late})
    outcome = judge("a", [attempt(1, deadline + timedelta(hours=hours))], policy)
    assert outcome.counts.points == points


def test_late_attempts_may_count_without_being_ranked():
    deadline = datetime(2026, 1, 1, tzinfo=UTC)
    policy = Policy.model_validate({"deadline": deadline, "late": {"ranked": False}})
    early = attempt(1, deadline, score=3.0)
    late = attempt(2, deadline + timedelta(hours=1), score=30.0)
    outcome = judge("a", [early, late], policy)
    assert outcome.counts.attempt is late
    assert outcome.ranked.attempt is early
    assert outcome.latest.attempt is late


def test_an_extension_is_one_students_own():
    deadline = datetime(2026, 1, 1, tzinfo=UTC)
    policy = Policy(deadline=deadline, extensions={"ill": deadline + timedelta(days=2)})
    at = [attempt(1, deadline + timedelta(days=1))]
    assert judge("ill", at, policy).judged[0].late == timedelta(0)
    assert judge("other", at, policy).judged[0].late == timedelta(days=1)


def test_the_best_counts_by_more_than_points_and_a_flagged_one_only_if_there_is_no_other():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    some = [
        attempt(1, noon, 20.0, acc=0.5),
        attempt(2, noon, 20.0, acc=0.6),
        attempt(3, noon, 28.0, "flagged"),
    ]
    assert judge("a", some, Policy()).counts.attempt.id == 2
    assert judge("a", some[2:], Policy()).counts.attempt.id == 3


MAGNITUDE = st.none() | st.floats(0, 1e308)


@given(*[st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1), MAGNITUDE, MAGNITUDE), min_size=2)])
def test_merit_sorts_as_the_figures_do(lines):
    def order(line):
        points, acc, mae, length = line
        up = (float("inf") if value is None else value for value in (mae, length))
        return (-points, -acc, *up)

    assert sorted(lines, key=order) == sorted(lines, key=lambda line: (merit(*line), 0))
    for one, other in pairwise(lines):
        assert (order(one) == order(other)) == (merit(*one) == merit(*other))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, ""), (1, "1 min"), (3600, "1 h"), (3661, "1 h 2 min"), (90000, "1 d 1 h"), (-5, "")],
)
def test_lateness_is_written_for_people(seconds, said):
    assert lateness(timedelta(seconds=seconds)) == said
