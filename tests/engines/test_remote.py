"""A server as an engine: what is sent, what is refused, and what happens when it fails."""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

import pytest

from carrychain.addition.evaluation import evaluate
from carrychain.addition.problems import handout_pairs
from carrychain.addition.prompts import Prompt
from carrychain.engines import load
from carrychain.engines.base import Completion, FinishReason, SamplingParams
from carrychain.engines.remote import RemoteEngine
from carrychain.errors import GenerationFailed, InvalidInput, ModelUnavailable

from .fault_server import FaultServer

PROMPTS = ["abc", "the one two ", "h", "cab cab"]
GREEDY = SamplingParams(temperature=0, max_tokens=9)


def engine(server: FaultServer, **options: Any) -> RemoteEngine:
    return RemoteEngine(f"{server.url}#toy", backoff=0.001, **options)


def ask(remote: RemoteEngine, params: SamplingParams, seeds: Any = range(4)) -> list[Completion]:
    return sorted(remote.generate(PROMPTS, params, list(seeds)), key=lambda c: c.index)


# --- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flavour", "expected"),
    [
        (
            "llama.cpp",
            {"top_k": 0, "repeat_penalty": 1.0, "repeat_last_n": -1, "min_p": 0.0, "top_p": 1.0},
        ),
        ("vllm", {"top_k": 0, "repetition_penalty": 1.0, "min_p": 0.0, "top_p": 1.0}),
        ("openai", {"top_p": 1.0}),
    ],
)
def test_every_parameter_is_sent_even_those_that_are_off(
    flavour: str, expected: dict[str, object]
) -> None:
    off = SamplingParams(temperature=1, top_k=0, top_p=1, repetition_penalty=1, max_tokens=3)
    with FaultServer(flavour) as server:
        ask(engine(server), off)
    for body in server.requests:
        assert (
            body.items()
            >= {
                **expected,
                "model": "toy",
                "max_tokens": 3,
                "temperature": 1,
                "stop": None,
                "presence_penalty": 0,
                "frequency_penalty": 0,
            }.items()
        )
        assert 0 <= body["seed"] < 2**31
    assert sorted(body["prompt"] for body in server.requests) == sorted(PROMPTS)


@pytest.mark.parametrize("flavour", ["llama.cpp", "vllm"])
def test_parameters_go_under_the_names_that_the_server_knows(flavour: str) -> None:
    params = SamplingParams(top_k=7, repetition_penalty=1.3, stop=("x", "y"))
    with FaultServer(flavour) as server:
        ask(engine(server), params)
    penalty = {"llama.cpp": "repeat_penalty", "vllm": "repetition_penalty"}
    other = penalty[{"llama.cpp": "vllm", "vllm": "llama.cpp"}[flavour]]
    for body in server.requests:
        assert (body["top_k"], body[penalty[flavour]], body["stop"]) == (7, 1.3, ["x", "y"])
        assert other not in body


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (SamplingParams(), "top_k is 50, but this server knows no top_k.*--top-k 0"),
        (
            SamplingParams(top_k=0, repetition_penalty=1.2),
            "repetition_penalty is 1.2, but.*--repetition-penalty 1",
        ),
        (SamplingParams(top_k=0, stop=("a", "b", "c", "d", "e")), "5 stop strings.* takes 4"),
    ],
)
def test_what_a_plain_server_does_not_know_is_refused_before_the_first_request(
    params: SamplingParams, message: str
) -> None:
    with FaultServer("openai") as server:
        remote = engine(server)
        with pytest.raises(InvalidInput, match=message):
            remote.generate(PROMPTS, params, range(4))
    assert server.requests == []


def test_top_p_of_0_is_the_most_likely_token_where_the_server_takes_no_0() -> None:
    with FaultServer("vllm") as server:
        remote = engine(server)
        sampled = ask(remote, SamplingParams(top_p=0, top_k=0, temperature=2, max_tokens=9))
        assert [c.text for c in sampled] == [c.text for c in ask(remote, GREEDY)]
        assert all(0 < body["top_p"] <= 1 for body in server.requests)


def test_seeds_beyond_31_bits_stay_apart() -> None:
    seeds = [1, 1 + 2**31, 1 + 2**62, 2**64 - 1]
    with FaultServer() as server:
        ask(engine(server), GREEDY, seeds)
    assert len({body["seed"] for body in server.requests}) == 4


# --- what comes back ------------------------------------------------------------------------------


def test_text_tokens_and_reasons_are_the_servers() -> None:
    with FaultServer() as server:
        remote = engine(server)
        free = ask(remote, GREEDY)
        assert all((c.tokens, c.finish_reason) == (9, FinishReason.LENGTH) for c in free)
        assert [c.prompt_tokens for c in free] == [3, 3, 1, 7]
        stop = free[0].text[2:4]
        stopped = ask(remote, SamplingParams(temperature=0, max_tokens=9, stop=(stop,)))
        assert stopped[0].text == free[0].text[: free[0].text.index(stop)]
        assert stopped[0].finish_reason is FinishReason.STOP
        assert remote.context == 512


def test_a_stop_string_that_the_server_ignores_stays_in_the_text() -> None:
    """It is the conformance check's to find, not the engine's to hide."""
    with FaultServer(ignores=("stop",)) as server:
        remote = engine(server)
        free = ask(remote, GREEDY)
        params = SamplingParams(temperature=0, max_tokens=9, stop=(free[0].text[2:4],))
        assert ask(remote, params) == free


def test_vllms_stop_reason_tells_a_stop_string_from_the_end_of_the_text() -> None:
    with FaultServer("vllm") as server:
        remote = engine(server)
        answer = {
            "choices": [{"text": "x", "finish_reason": "stop", "stop_reason": None}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        }
        params = SamplingParams(stop=("never",))
        assert remote._completion(0, answer, params).finish_reason is FinishReason.EOS
        answer["choices"][0]["stop_reason"] = 128009  # a token that ends the text
        assert remote._completion(0, answer, params).finish_reason is FinishReason.EOS
        answer["choices"][0]["stop_reason"] = "never"
        assert remote._completion(0, answer, params).finish_reason is FinishReason.STOP


# --- failures that pass ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [429, 500, 502, 503, "cut", "html", "json", "slow"])
def test_a_failure_that_passes_costs_a_repeat_and_nothing_else(fault: int | str) -> None:
    with FaultServer() as good:
        expected = ask(engine(good), GREEDY)
    with FaultServer(faults=[fault, fault]) as server:
        assert ask(engine(server), GREEDY) == expected
    assert len(server.requests) == (4 if fault == "slow" else 6)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(form: str) -> None:
    at = time.time() + 2
    asked = "1" if form == "seconds" else email.utils.formatdate(at, usegmt=True)
    with FaultServer(faults=[429], retry_after=asked) as server:
        started = time.monotonic()
        ask(engine(server), GREEDY)
        assert time.monotonic() - started > 0.9
    assert len(server.requests) == 5


def test_a_request_that_is_refused_is_not_repeated() -> None:
    with FaultServer(faults=[400]) as server:
        remote = engine(server, concurrency=1)
        with pytest.raises(GenerationFailed, match=r"refused a request: 400: .*a fault that was"):
            ask(remote, GREEDY)
    assert len(server.requests) < 5


def test_a_server_that_keeps_failing_ends_the_work_in_one_sentence() -> None:
    with FaultServer(faults=[500] * 99) as server, pytest.raises(GenerationFailed) as caught:
        ask(engine(server), GREEDY)
    assert "failed 6 times; the last time it answered 500" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_more_requests_are_in_flight_than_asked_for() -> None:
    with FaultServer() as server:
        remote = engine(server, concurrency=3)
        assert len(list(remote.generate(PROMPTS * 10, GREEDY, range(40)))) == 40
    assert server.most_at_once <= 3


def test_a_run_that_is_dropped_sends_no_more_requests() -> None:
    with FaultServer() as server:
        run = engine(server, concurrency=1).generate(PROMPTS * 50, GREEDY, range(200))
        next(run)
        run.close()
        assert len(server.requests) < 200


def test_a_server_that_dies_leaves_a_partial_evaluation_that_resumes() -> None:
    problems = handout_pairs(0, 1, 10, 12)
    sampling = SamplingParams(temperature=1, max_tokens=5)
    arguments = {"prompt": Prompt("the ", "one"), "problems": problems, "sampling": sampling}
    with FaultServer() as server:
        whole = evaluate(engine=engine(server), **arguments)
    with FaultServer(dies_after=5) as server:
        remote = engine(server, concurrency=2)
        partial = evaluate(engine=remote, **arguments)
        assert not partial.complete
        assert 1 <= len(partial.rows) <= 5
        assert "failed 6 times; the last time the connection failed" in str(partial.interruption)
        remote_name = partial.model
    with FaultServer() as server:
        again = engine(server, concurrency=2)
        again._name = remote_name.name  # the address of a server that was started again
        finished = evaluate(engine=again, resume=partial, **arguments)
    assert finished.complete
    assert len(server.requests) == 12 - len(partial.rows)
    assert [r.output for r in finished.rows] == [r.output for r in whole.rows]


# --- addresses and servers that can't be used -----------------------------------------------------


def refusal(address: str) -> str:
    with pytest.raises((InvalidInput, ModelUnavailable)) as caught:
        load(f"openai:{address}")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:1/v1", "names no model; give openai:URL#MODEL"),
        ("http://127.0.0.1:1/v1#", "names no model"),
        ("127.0.0.1:8000#toy", "must begin with http"),
        ("ftp://127.0.0.1/v1#toy", "must begin with http"),
        ("http://127.0.0.1:1/v1#toy", "nothing answers at http://127.0.0.1:1/v1.*running"),
        ("http://me:sesame@127.0.0.1:1/v1#toy", "put the key into OPENAI_API_KEY"),
        ("http://127.0.0.1:1/v1?key=sesame#toy", "put the key into OPENAI_API_KEY"),
        ("http://[::1/v1#toy", "is no address"),
    ],
)
def test_an_address_that_can_not_be_used_is_one_sentence(address: str, message: str) -> None:
    import re

    assert re.search(message, refusal(address))


def test_a_key_in_an_address_is_not_shown() -> None:
    assert "sesame" not in refusal("http://me:sesame@127.0.0.1:1/v1#toy")
    assert "sesame" not in refusal("http://me:sesame@127.0.0.1:1/v1")


def test_a_page_is_not_a_server() -> None:
    with FaultServer(page="<html><title>It works!</title></html>") as server:
        message = refusal(f"{server.url}#toy")
    assert "is not the list of an OpenAI-compatible server" in message
    assert "<html>" in message


def test_a_model_that_the_server_lacks_gets_the_nearest() -> None:
    with FaultServer(models=("smollm2", "llama")) as server:
        assert "has no model 'smolm2'; did you mean smollm2" in refusal(f"{server.url}#smolm2")


def test_a_server_that_only_chats_is_refused() -> None:
    with FaultServer(chats_only=True) as server:
        assert "it only chats" in refusal(f"{server.url}#toy")


def test_a_path_may_be_left_out() -> None:
    with FaultServer() as server:
        short = RemoteEngine(f"{server.url.removesuffix('/v1')}#toy")
        assert short.info.name == f"openai:{server.url}#toy"
        assert RemoteEngine(f"{server.url}/#toy").info == short.info


# --- the key --------------------------------------------------------------------------------------


def test_the_key_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sesame")
    with FaultServer(key="sk-sesame") as server:
        remote = engine(server)
        result = evaluate(
            engine=remote,
            prompt=Prompt("a", "b"),
            problems=handout_pairs(0, 1, 10, 2),
            sampling=GREEDY,
        )
        assert result.complete
        assert "sesame" not in json.dumps(result.as_dict())
        assert "sesame" not in repr(vars(remote)["_name"]) + repr(remote.info)


def test_a_wrong_key_is_one_sentence_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with FaultServer(key="sk-right") as server:
        message = refusal(f"{server.url}#toy")
    assert "does not take the key in OPENAI_API_KEY" in message
    assert "sk-wrong" not in message
    monkeypatch.delenv("OPENAI_API_KEY")
    with FaultServer(key="sk-right") as server:
        assert "asks for a key; set OPENAI_API_KEY" in refusal(f"{server.url}#toy")


def test_a_key_that_the_server_echoes_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sesame")
    with FaultServer() as server:
        remote = engine(server)
        import httpx

        answer = httpx.Response(400, json={"error": {"message": "bad key sk-sesame"}})
        assert "sesame" not in remote._said(answer)
        assert "bad key" in remote._said(answer)


def test_a_key_that_is_cut_off_is_not_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-open-sesame-open-sesame")
    page = f"<html>{'x' * 60} sk-open-sesame-open-sesame</html>"
    with FaultServer(page=page) as server:
        assert "sk-" not in refusal(f"{server.url}#toy")


def test_a_key_that_can_be_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel")
    with FaultServer() as server:
        assert "characters that no key has" in refusal(f"{server.url}#toy")


def test_a_reason_that_is_not_known_is_not_taken_for_another() -> None:
    with FaultServer() as server:
        remote = engine(server)
        answer = {
            "choices": [{"text": "x", "finish_reason": "content_filter"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        }
        with pytest.raises(GenerationFailed, match="ended a text with 'content_filter'"):
            remote._completion(0, answer, GREEDY)


def test_a_number_type_is_not_asked_of_a_server() -> None:
    with FaultServer() as server, pytest.raises(InvalidInput, match="a server chooses its own"):
        load(f"openai:{server.url}#toy", dtype="bfloat16")


def test_importing_the_engine_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, carrychain.engines.remote; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
