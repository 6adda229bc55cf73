"""Every address is asked for what its schema allows and what it forbids; no error is ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from carrychain.web.app import create_app
from carrychain.web.settings import Settings

EXAMPLES = 12
"""Requests of each kind to each address: `make test` has a minute for this."""


def operations():
    """Return every address with its methods, as the schema has them."""
    with tempfile.TemporaryDirectory() as folder:
        described = create_app(Settings(state=Path(folder))).openapi()
    schema = schemathesis.openapi.from_dict(described)
    return [each.ok() for each in schema.get_all_operations()]


OPERATIONS = operations()
FORM = "application/x-www-form-urlencoded"
KINDS = [
    *((GenerationMode.POSITIVE, each) for each in OPERATIONS),
    *(  # a path and a form of texts allow everything
        (GenerationMode.NEGATIVE, each)
        for each in OPERATIONS
        if each.query or any(body.media_type != FORM for body in each.body)
    ),
]


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    many = {"posts": 10**6, "queue": 10**6, "each": 10**6, "patience": 5}
    return start_server(tmp_path_factory.mktemp("lab") / "state", **many)


@pytest.fixture(scope="module")
def visitor(server):
    return server.visitor(headers={"Accept": "application/json"})


@pytest.fixture(scope="module")
def runs(visitor):
    """Ids of a finished run and of another kind of job, so that addresses of jobs are reached."""
    jobs = []
    for path, request in {
        "/playground": {"data": {"n": "10", "do": "run", "model": "mini"}},
        "/rehearse/count": {"json": {"n": 2}},
    }.items():
        answer = visitor.post(path, **request)
        assert answer.is_success, answer.text
        jobs.append(answer.json()["id"])
        ending = visitor.get(f"/jobs/{jobs[-1]}/events").text
        assert "event: done" in ending, ending
    return jobs


def test_the_schema_has_every_page_and_job():
    assert {"/playground", "/next-token", "/gradient", "/grade", "/leaderboard"} <= {
        each.path for each in OPERATIONS
    }
    assert len(OPERATIONS) >= 20


@pytest.mark.parametrize(
    ("mode", "operation"), KINDS, ids=[f"{mode.value} {each.label}" for mode, each in KINDS]
)
def test_no_request_is_an_error_of_ours(server, visitor, runs, mode, operation):
    cookies = dict(visitor.cookies)
    headers = dict(visitor.headers) | {"Origin": server.url}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.sampled_from([None, *runs]))
    def ask(case, job):
        if job is not None and "job_id" in (case.path_parameters or {}):
            case.path_parameters["job_id"] = job
        answer = case.call(base_url=server.url, headers=headers, cookies=cookies, timeout=60)
        assert answer.status_code < 500, case.as_curl_command()
        assert answer.status_code not in (401, 403, 429), "the guard kept it from the page"
        assert b"Traceback" not in answer.content
        assert answer.headers["x-content-type-options"]

    ask()


def test_the_server_said_nothing_about_errors(server):
    """Runs last: whatever went wrong behind an answer stands in the server's output."""
    assert "Traceback" not in server.log.read_text()
