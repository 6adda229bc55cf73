"""Checkpoints as Llama-2's and Qwen3's are: their tokenizers' habits, and how they are found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from carrychain import engines
from carrychain.engines.base import FinishReason, SamplingParams

from .conftest import BOS, EOS, tiny_config

PROMPTS = ["Question: What is 12+34?\nAnswer: ", "1+1=", " leading space"]


def save(model_kind: str, tokenizer: Any, folder: Path, **generation: Any) -> str:
    """Save a checkpoint as a user would, and return the name that loads it."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(tiny_config(model_kind, len(tokenizer)))
    for name, value in generation.items():
        setattr(model.generation_config, name, value)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hf:{folder}"


@pytest.fixture(scope="module")
def llama2(tmp_path_factory: pytest.TempPathFactory, metaspace_tokenizer: Any) -> Any:
    """Llama's architecture in bfloat16; a start token, spaces that lead words."""
    from tokenizers import processors

    tokenizer = metaspace_tokenizer
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.bos_token_id)]
    )
    return engines.load(save("llama", tokenizer, tmp_path_factory.mktemp("llama2")))


@pytest.fixture(scope="module")
def qwen3(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Any:
    """Qwen3's architecture in bfloat16; no start token, two tokens that end a text."""
    import copy

    from tokenizers import processors

    without = copy.deepcopy(tokenizer)
    without.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    folder = tmp_path_factory.mktemp("qwen3")
    return engines.load(save("qwen3", without, folder, eos_token_id=[1, 7]))


def test_a_llama_2_prompt_begins_with_the_start_token_once(llama2: Any) -> None:
    for prompt in PROMPTS:
        tokens = llama2.encode(prompt)
        assert tokens[0] == llama2.tokenizer.bos_token_id
        assert tokens.count(llama2.tokenizer.bos_token_id) == 1
        assert llama2.tokenizer.convert_tokens_to_ids(EOS) not in tokens


def test_a_qwen3_prompt_has_no_start_token(qwen3: Any) -> None:
    for prompt in PROMPTS:
        tokens = qwen3.encode(prompt)
        assert not {0, 1, 7} & {tokens[0]}
        assert qwen3.tokenizer.decode(tokens) == prompt


@pytest.mark.parametrize("name", ["llama2", "qwen3"])
def test_on_a_cpu_the_type_is_float32_unless_asked_and_greedy_is_generates(
    name: str, request: pytest.FixtureRequest
) -> None:
    engine = request.getfixturevalue(name)
    assert engine.info.settings["dtype"] == "float32"
    params = SamplingParams(temperature=0, max_tokens=20)
    for completion in engine.generate(PROMPTS, params, range(3)):
        inputs = engine.tokenizer(
            PROMPTS[completion.index], return_tensors="pt", return_token_type_ids=False
        )
        ids = engine.model.generate(**inputs, do_sample=False, max_new_tokens=20, pad_token_id=1)
        expected = ids[0, inputs["input_ids"].shape[1] :].tolist()
        assert completion.tokens == len(expected)
        text = [token for token in expected if token not in engine._eos()]
        assert completion.text == engine.tokenizer.decode(text, skip_special_tokens=True)


def test_every_end_token_of_the_list_ends_the_text(qwen3: Any) -> None:
    assert qwen3._eos() == {1, 7}
    params = SamplingParams(temperature=3.0, top_k=0, top_p=1, max_tokens=200)
    ended = [
        c
        for c in qwen3.generate(PROMPTS[:1] * 40, params, range(40))
        if c.finish_reason is FinishReason.EOS
    ]
    assert ended
    assert all(c.tokens <= 200 for c in ended)


@pytest.mark.parametrize("way", ["--offline", "HF_HUB_OFFLINE"])
def test_offline_asks_no_network(tmp_path: Path, way: str) -> None:
    """An endpoint where nobody listens would give another sentence."""
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HF_HOME": str(tmp_path),
        "HF_ENDPOINT": "http://127.0.0.1:1",
        **({way: "1"} if way.startswith("HF") else {}),
    }
    options = [way] if way.startswith("-") else []
    done = subprocess.run(
        [sys.executable, "-m", "carrychain", "evaluate", "--model", "qwen3", *options],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 2
    assert "Qwen/Qwen3-8B is not on this machine, and --offline forbids" in done.stderr
    assert done.stderr.count("\n") == 1


class _Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for a gated model and for one that it does not have."""

    def do_GET(self) -> None:
        gated = "Llama-2" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("llama2", "is gated: ask for access at https://huggingface.co/meta-llama/Llama-2-7b"),
        ("hf:nobody/nothing", "the hub has no model nobody/nothing"),
    ],
)
def test_a_gated_or_missing_model_is_one_sentence_and_the_token_is_in_no_output(
    tmp_path: Path, hub: str, model: str, expected: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "carrychain", "evaluate", "--model", model, "-n", "1"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HF_HOME": str(tmp_path),
            "HF_ENDPOINT": hub,
            "HF_TOKEN": "hf_" + "x" * 34,
        },
    )
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert "hf_x" not in done.stderr + done.stdout
