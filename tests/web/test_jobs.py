"""The queue as those who wait in it see it: on a real server, with work whose course is known."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager

import psutil
import pytest

PATIENCE = 45
"""Seconds until a test stops waiting for a job."""


@pytest.fixture(scope="module")
def shared(start_server, tmp_path_factory):
    """A server for all tests that ask for nothing special."""
    return start_server(tmp_path_factory.mktemp("shared"), models=["none"])


@pytest.fixture
def newcomer(shared):
    """`newcomer()`: a visitor of the shared server, whose jobs are cancelled when the test ends."""
    came = []

    def come(**options):
        came.append(shared.visitor(**options))
        came[-1].jobs = []
        return came[-1]

    yield come
    for visitor in came:
        for job in visitor.jobs:
            visitor.post(f"/jobs/{job}/cancel").raise_for_status()
            ending(visitor, job)


@pytest.fixture
def lab(start_server, tmp_path):
    """`lab(**settings)`: a server of the test's own; called again, on the same state."""
    servers = []

    def start(**settings):
        servers.append(start_server(tmp_path / "state", models=["none"], **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def gate(tmp_path):
    """A file that is not there: work waits until `gate.touch()`, or the end of the test."""
    yield tmp_path / "gate"
    (tmp_path / "gate").touch()


def submit(visitor, kind, **request):
    answer = visitor.post(f"/rehearse/{kind}", json=request)
    answer.raise_for_status()
    job = answer.json()["id"]
    getattr(visitor, "jobs", []).append(job)
    return job


def held(visitor, gate):
    """A job that stays in its lane until the gate opens, running already."""
    job = submit(visitor, "count", n=2, free=1, gate=str(gate))
    with watch(visitor, job) as events:
        until(events, "item")
    return job


def state(visitor, job):
    answer = visitor.get(f"/jobs/{job}")
    answer.raise_for_status()
    return answer.json()


@contextmanager
def watch(visitor, job, after=None):
    """The job's events as they come: (event, data, id), the id None where there is none."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    with visitor.stream("GET", f"/jobs/{job}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines):
    fields = {}
    latest = time.monotonic() + PATIENCE
    for line in lines:  # an empty one now and then, while nothing happens
        assert time.monotonic() < latest, f"no end after {PATIENCE} s"
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and "data" in fields:
            number = fields.get("id")
            yield fields["event"], json.loads(fields["data"]), number and int(number)
            fields = {}


def until(events, kind):
    """Read on to an event of a kind; return its data."""
    return next(data for event, data, _ in events if event == kind)


def ending(visitor, job):
    """Watch a job to its end; return how it ended and what was said of it."""
    with watch(visitor, job) as events:
        *_, (event, data, _) = events
    return event, data


# --- waiting --------------------------------------------------------------------------------------


def test_a_job_gives_its_events_in_order_with_numbers_and_then_its_result(newcomer):
    visitor = newcomer()
    job = submit(visitor, "count", n=3)
    with watch(visitor, job) as events:
        seen = [each for each in events if each[0] != "place"]
    assert seen == [
        *(("item", {"number": number}, number) for number in (1, 2, 3)),
        ("done", {"n": 3, "earlier": 0}, None),
    ]
    done = state(visitor, job)
    assert (done["status"], done["events"], done["place"]) == ("done", 3, None)
    assert done["result"] == {"n": 3, "earlier": 0}


def test_a_full_queue_is_said_in_a_sentence_and_takes_jobs_again_later(lab, gate):
    server = lab(queue=2, each=2)
    visitor, late = server.visitor(), server.visitor()
    first = held(visitor, gate)
    jobs = [submit(visitor, "count", n=1) for _ in range(2)]
    request = {"json": {"n": 1}}
    refused = late.post("/rehearse/count", **request)
    assert refused.status_code == 503
    assert "2 jobs wait" in refused.json()["error"]
    assert int(refused.headers["Retry-After"]) > 0
    page = late.post("/rehearse/count", headers={"Accept": "text/html"}, **request)
    assert page.status_code == 503
    assert "2 jobs wait" in page.text
    assert 'role="alert"' in page.text
    gate.touch()
    assert [ending(visitor, job)[0] for job in (first, *jobs)] == ["done"] * 3
    assert ending(late, submit(late, "count", n=1))[0] == "done"


def test_one_visitor_cannot_take_all_of_the_queue(lab, gate):
    server = lab(queue=10, each=2)
    greedy, other = server.visitor(), server.visitor()
    held(greedy, gate)
    for _ in range(2):
        submit(greedy, "count", n=1)
    refused = greedy.post("/rehearse/count", json={"n": 1})
    assert refused.status_code == 503
    assert "2 of your jobs wait" in refused.json()["error"]
    job = submit(other, "count", n=1)
    assert state(other, job)["place"] == 3
    gate.touch()
    assert ending(other, job)[0] == "done"


def test_the_place_is_seen_to_fall_as_those_before_are_served(newcomer, gate):
    visitors = [newcomer() for _ in range(4)]
    held(visitors[0], gate)
    jobs = [submit(visitor, "count", n=1) for visitor in visitors[1:]]
    places = [state(v, job)["place"] for v, job in zip(visitors[1:], jobs, strict=True)]
    assert places == [1, 2, 3]
    with watch(visitors[3], jobs[2]) as events:
        assert next(events) == ("place", {"place": 3}, None)
        visitors[1].post(f"/jobs/{jobs[0]}/cancel").raise_for_status()
        assert next(events) == ("place", {"place": 2}, None)
        gate.touch()
        rest = list(events)
    assert [each[0] for each in rest if each != ("place", {"place": 1}, None)] == ["item", "done"]


def test_a_short_question_is_answered_while_a_long_job_runs(newcomer, gate):
    visitor = newcomer()
    long = held(visitor, gate)
    assert ending(visitor, submit(visitor, "quick", n=1))[0] == "done"
    assert state(visitor, long)["status"] == "running"


# --- cancelling -----------------------------------------------------------------------------------


def test_a_long_run_makes_way_for_others_after_its_turn_and_goes_on_with_what_it_has(lab):
    visitor = lab(turn=0.3).visitor()
    long_one = submit(visitor, "count", n=120, pace=0.02)
    with watch(visitor, long_one) as events:
        until(events, "item")
        short_one = submit(visitor, "count", n=1)
        assert ending(visitor, short_one)[0] == "done"
        assert state(visitor, long_one)["status"] != "done"
        numbers = [data["number"] for kind, data, _ in events if kind == "item"]
    assert numbers == list(range(2, 121))
    assert state(visitor, long_one)["result"]["earlier"] > 0


def test_a_waiting_job_is_cancelled_and_never_runs(newcomer, gate):
    visitor = newcomer()
    first = held(visitor, gate)
    second, third = (submit(visitor, "count", n=1) for _ in range(2))
    visitor.post(f"/jobs/{second}/cancel").raise_for_status()
    assert state(visitor, second)["status"] == "cancelled"
    assert ending(visitor, second)[0] == "cancelled"
    gate.touch()
    assert [ending(visitor, job)[0] for job in (first, third)] == ["done", "done"]
    assert state(visitor, second)["events"] == 0


def test_a_running_job_is_cancelled_and_the_next_one_runs(newcomer):
    visitor = newcomer()
    job = submit(visitor, "pid")
    with watch(visitor, job) as events:
        worker = until(events, "item")
        visitor.post(f"/jobs/{job}/cancel").raise_for_status()
        *_, last = events
    assert last[0] == "cancelled"
    assert state(visitor, job)["status"] == "cancelled"
    following = submit(visitor, "pid")
    with watch(visitor, following) as events:
        assert until(events, "item") == worker  # it stopped by itself, so the model stays loaded
    visitor.post(f"/jobs/{following}/cancel").raise_for_status()
    assert ending(visitor, following)[0] == "cancelled"


def test_work_that_does_not_stop_when_told_is_made_to(newcomer, gate):
    visitor = newcomer()
    stubborn = held(visitor, gate)
    visitor.post(f"/jobs/{stubborn}/cancel").raise_for_status()
    assert ending(visitor, stubborn)[0] == "cancelled"
    assert ending(visitor, submit(visitor, "count", n=1))[0] == "done"
    assert not gate.exists()


def test_cancelling_twice_or_after_the_end_changes_nothing(newcomer):
    visitor = newcomer()
    job = submit(visitor, "count", n=1)
    assert ending(visitor, job)[0] == "done"
    for _ in range(2):
        assert visitor.post(f"/jobs/{job}/cancel").status_code == 200
    assert state(visitor, job)["status"] == "done"


def test_a_job_that_takes_longer_than_allowed_ends_with_a_sentence(lab):
    visitor = lab(long=0.5).visitor()
    event, data = ending(visitor, submit(visitor, "pid"))
    assert event == "failed"
    assert "longer than 0.5 s" in data["error"]
    assert ending(visitor, submit(visitor, "count", n=1))[0] == "done"


# --- nobody looks ---------------------------------------------------------------------------------


def test_a_closed_page_cancels_what_it_waited_for(lab):
    server = lab(patience=0.3)
    gone, other = server.visitor(), server.visitor()
    left = submit(gone, "pid")
    with watch(gone, left) as events:
        until(events, "item")
    job = submit(other, "count", n=1)  # runs once the lane is free, which nobody else makes it
    assert ending(other, job)[0] == "done"
    assert state(gone, left)["status"] == "cancelled"


def test_a_job_that_nobody_ever_looks_at_is_cancelled_in_the_queue_too(lab):
    server = lab(patience=0.3)
    gone, other = server.visitor(), server.visitor()
    left = [submit(gone, "pid") for _ in range(3)]
    assert ending(other, submit(other, "count", n=1))[0] == "done"
    assert [state(gone, job)["status"] for job in left] == ["cancelled"] * 3


def test_a_job_is_kept_however_long_somebody_watches(lab):
    visitor = lab(patience=0.2).visitor()
    event, data = ending(visitor, submit(visitor, "count", n=3, pace=1))
    assert (event, data["n"]) == ("done", 3)


def test_a_page_without_scripts_that_asks_again_and_again_keeps_its_job(lab):
    visitor = lab(patience=1.0).visitor()
    job = submit(visitor, "count", n=20, pace=0.1)
    while (seen := state(visitor, job))["status"] in ("queued", "running"):
        pass
    assert (seen["status"], seen["events"]) == ("done", 20)


# --- crashes --------------------------------------------------------------------------------------


def test_a_killed_worker_is_a_message_and_the_next_job_runs(newcomer):
    visitor = newcomer()
    job = submit(visitor, "pid")
    with watch(visitor, job) as events:
        worker = until(events, "item")
        following = submit(visitor, "pid")
        os.kill(worker, signal.SIGKILL)
        *_, (event, data, _) = events
    assert event == "failed"
    assert "ended by itself" in data["error"]
    ended = state(visitor, job)
    assert (ended["status"], ended["error"]) == ("failed", data["error"])
    assert ended["events"] >= 1
    with watch(visitor, following) as events:
        assert until(events, "item") != worker


def test_a_worker_killed_between_two_jobs_costs_nobody_anything(newcomer):
    visitor = newcomer()
    job = submit(visitor, "pid")
    with watch(visitor, job) as events:
        worker = psutil.Process(until(events, "item"))
        visitor.post(f"/jobs/{job}/cancel").raise_for_status()
        assert list(events)[-1][0] == "cancelled"
    worker.kill()
    while worker.status() != psutil.STATUS_ZOMBIE:
        pass
    assert ending(visitor, submit(visitor, "count", n=1)) == ("done", {"n": 1, "earlier": 0})


def test_what_work_refuses_is_its_own_sentence(newcomer):
    visitor = newcomer()
    job = submit(visitor, "refuse")
    assert ending(visitor, job) == ("failed", {"error": "n is 0; ask for 1 or more"})
    assert state(visitor, job)["error"] == "n is 0; ask for 1 or more"


def test_a_defect_in_work_is_a_sentence_without_details_and_in_the_servers_output(newcomer, shared):
    visitor = newcomer()
    job = submit(visitor, "fail")
    event, data = ending(visitor, job)
    assert event == "failed"
    assert "private" not in json.dumps(data) + visitor.get(f"/jobs/{job}").text
    assert "ZeroDivisionError" in shared.log.read_text()
    assert ending(visitor, submit(visitor, "count", n=1))[0] == "done"


# --- restarts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_job_goes_on_where_it_was_when_the_server_is_back(lab, gate, how):
    server = lab()
    visitor = server.visitor()
    cookies = dict(visitor.cookies)
    job = submit(visitor, "count", n=5, free=3, gate=str(gate))
    waiting = submit(visitor, "count", n=1)
    with watch(visitor, job) as events:
        before = [next(each for each in events if each[0] == "item") for _ in range(3)]
    children = psutil.Process(server.pid).children(recursive=True)
    server.stop(how)
    gate.touch()
    assert children
    assert psutil.wait_procs(children, timeout=10)[1] == []  # no worker is left over
    again = lab().visitor(cookies=cookies)
    with watch(again, job, after=3) as events:
        after = list(events)
    items = before + [each for each in after if each[0] == "item"]
    assert [number for _, _, number in items] == [1, 2, 3, 4, 5]
    assert [data["number"] for _, data, _ in items] == [1, 2, 3, 4, 5]
    assert after[-1] == ("done", {"n": 5, "earlier": 3}, None)
    assert ending(again, waiting)[0] == "done"


def test_what_was_finished_is_still_there_after_a_restart(lab):
    server = lab()
    visitor = server.visitor()
    cookies = dict(visitor.cookies)
    job = submit(visitor, "count", n=2)
    ending(visitor, job)
    before = state(visitor, job)
    server.stop()
    assert state(lab().visitor(cookies=cookies), job) == before


def test_it_stops_at_once_while_a_job_runs_and_a_page_watches(lab):
    server = lab()
    visitor = server.visitor()
    job = submit(visitor, "pid")
    with watch(visitor, job) as events:
        until(events, "item")
        children = psutil.Process(server.pid).children(recursive=True)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=10) == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert "Traceback" not in server.log.read_text()


def test_a_second_server_on_the_same_state_is_refused(start_server, lab, tmp_path):
    lab()
    with pytest.raises(pytest.fail.Exception, match="keeps its state in the same folder"):
        start_server(tmp_path / "state", models=["none"])


def test_state_can_be_read_by_its_owner_only(lab):
    state = lab().state
    assert state.stat().st_mode & 0o077 == 0
    for file in (state / "secret", state / "jobs.sqlite"):
        assert file.stat().st_mode & 0o077 == 0


# --- others, and connections that break -----------------------------------------------------------


def test_another_visitors_job_is_not_there(newcomer):
    owner, other = newcomer(), newcomer()
    job = submit(owner, "pid")
    missing = "A" * len(job)
    for name in (job, missing):
        answers = [
            other.get(f"/jobs/{name}"),
            other.get(f"/jobs/{name}/events"),
            other.post(f"/jobs/{name}/cancel"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({answer.text for answer in answers}) == 1
    assert other.get(f"/jobs/{job}").text == other.get(f"/jobs/{missing}").text
    assert state(owner, job)["status"] in ("queued", "running")


def test_a_visitor_with_an_invented_or_changed_cookie_is_a_stranger(newcomer):
    owner = newcomer()
    job = submit(owner, "count", n=1)
    (cookie,) = owner.cookies.values()
    name, _, signature = cookie.partition(".")
    for forged in (name, f"{name}.", f"{name}.{signature[:-1]}0", f"{name}x.{signature}", ".", ""):
        if forged != cookie:
            stranger = newcomer(cookies={"carrychain": forged})
            assert stranger.get(f"/jobs/{job}").status_code == 404, forged


def test_a_broken_connection_takes_up_where_it_was_without_loss_or_doubles(newcomer, gate):
    visitor = newcomer()
    job = submit(visitor, "count", n=9, free=6, gate=str(gate))
    seen = []
    while len(seen) < 6:  # hang up after every second event
        with watch(visitor, job, after=seen[-1][2] if seen else None) as events:
            items = (each for each in events if each[0] == "item")
            seen += [next(items), next(items)]
    gate.touch()
    with watch(visitor, job, after=6) as events:
        seen += [each for each in events if each[0] == "item"]
    assert [number for _, _, number in seen] == list(range(1, 10))
    assert [data["number"] for _, data, _ in seen] == list(range(1, 10))
    with watch(visitor, job, after=9) as events:  # after the end
        assert [each[0] for each in events] == ["done"]


@pytest.mark.parametrize("odd", ["-1", "two", "1.5", "9" * 30, "9" * 5000, "%31", "1; drop"])
def test_an_odd_last_event_id_is_no_crash(newcomer, odd):
    visitor = newcomer()
    job = submit(visitor, "count", n=1)
    with watch(visitor, job, after=odd) as events:
        assert list(events)[-1][0] == "done"


def test_a_foreign_file_in_the_place_of_the_queue_is_a_sentence(start_server, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "jobs.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(pytest.fail.Exception) as failed:
        start_server(folder, models=["none"])
    assert "Traceback" not in str(failed.value)


def test_ended_jobs_do_not_pile_up_for_ever(lab):
    """The latest quarter of a gigabyte is kept; what is older goes, events and all."""
    server = lab()
    visitor = server.visitor()
    oldest = submit(visitor, "count", n=1)
    ending(visitor, oldest)
    with closing(sqlite3.connect(server.state / "jobs.sqlite", timeout=30)) as db:
        with db:
            db.executemany(
                "insert into job (id, owner, kind, lane, request, status, ended, size)"
                " values (?, 'nobody', 'count', 'long', '{}', 'done', 2e9, 1000000)",
                [(f"large-{i}",) for i in range(400)],
            )
        count = "select (select count(*) from job), (select count(*) from event)"
        while (found := db.execute(count).fetchone())[0] > 256:
            pass
    assert found == (256, 0)
    assert visitor.get(f"/jobs/{oldest}").status_code == 404
