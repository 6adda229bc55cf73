"""Fifty people in the playground at once, as in a lecture: a real server, the embedded model."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest

from carrychain.addition.problems import handout_pairs

pytestmark = pytest.mark.web  # a minute

USERS = 50
PROBLEMS = 10
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def lab(start_server, tmp_path_factory):
    return start_server(tmp_path_factory.mktemp("lab") / "state")


def memory(server):
    """Bytes of the server alone, and of its workers."""
    process = psutil.Process(server.pid)
    return process.memory_info().rss, sum(
        child.memory_info().rss for child in process.children(recursive=True)
    )


def watch(visitor, job, served):
    """Read a job's events to the end; return the places that were told and the rows."""
    places, rows = [], []
    with visitor.stream("GET", f"/jobs/{job}/events") as answer:
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            match name:
                case "event":
                    event = value
                    if event in ("done", "failed", "cancelled"):
                        served(job)
                case "data" if event == "place":
                    places.append(json.loads(value)["place"])
                case "data" if event == "item" and "row" in json.loads(value):
                    rows.append(json.loads(value)["row"])
    return event, places, rows


@pytest.fixture(scope="module")
def lecture(lab):
    """What each of fifty visitors saw, the order in which they were served, and the memory."""
    visitors = [lab.visitor(headers={"Accept": "application/json"}) for _ in range(USERS)]
    warm = visitors[0].post("/playground", data={"do": "run", "n": PROBLEMS, "seed": 0}).json()
    watch(visitors[0], warm["id"], lambda job: None)
    before = memory(lab)

    jobs = []
    for seed, visitor in enumerate(visitors):
        answer = visitor.post("/playground", data={"do": "run", "n": PROBLEMS, "seed": seed})
        assert answer.status_code == 202, answer.text
        jobs.append(answer.json()["id"])
    order, lock, stop = [], threading.Lock(), threading.Event()

    def served(job):
        with lock:
            order.append(jobs.index(job))

    most = [0, 0]

    def measure():
        while not stop.wait(0.2):
            most[:] = map(max, most, memory(lab))

    with ThreadPoolExecutor(USERS + 1) as pool:
        measuring = pool.submit(measure)
        waiting = [pool.submit(watch, *pair, served) for pair in zip(visitors, jobs, strict=True)]
        seen = [each.result() for each in waiting]
        stop.set()
        measuring.result()
    return visitors, jobs, seen, order, (before, tuple(most))


def test_every_one_is_served(lecture):
    _, _, seen, _, _ = lecture
    assert [event for event, _, _ in seen] == ["done"] * USERS
    assert [len(rows) for _, _, rows in seen] == [PROBLEMS] * USERS


def test_they_are_served_in_the_order_of_their_coming(lecture):
    """The threads that note it may be overtaken by one another, so neighbours may swap."""
    _, _, _, order, _ = lecture
    assert sorted(order) == list(range(USERS))
    assert max(abs(place - user) for place, user in enumerate(order)) <= 3


def test_each_sees_a_place_that_only_falls(lecture):
    _, _, seen, _, _ = lecture
    for user, (_, places, _) in enumerate(seen):
        assert places == sorted(set(places), reverse=True)
        assert not places or places[0] <= user + 1
        if user > USERS // 2:
            assert len(places) >= 10


def test_no_row_of_one_is_shown_to_another(lecture):
    visitors, jobs, seen, _, _ = lecture
    for seed, (_, _, rows) in enumerate(seen):
        asked = handout_pairs(seed, 1_000_000, 9_999_999, PROBLEMS)
        shown = {row["index"]: (row["a"], row["b"]) for row in rows}
        assert shown == {i: (pair.a, pair.b) for i, pair in enumerate(asked)}
    for user, visitor in enumerate(visitors):
        other = jobs[(user + 1) % USERS]
        for path in (f"/jobs/{other}", f"/jobs/{other}/events", f"/playground/runs/{other}"):
            assert visitor.get(path).status_code == 404
        with closing(visitor):
            page = visitor.get(f"/playground/runs/{jobs[user]}", headers={"Accept": "text/html"})
            assert page.status_code == 200


def test_memory_stays_bounded(lecture):
    """Fifty open pages cost the server a few megabytes, and the workers what one run holds."""
    *_, ((server, workers), (most_server, most_workers)) = lecture
    assert most_server - server < 60 * MEGABYTE
    assert most_workers - workers < 400 * MEGABYTE
