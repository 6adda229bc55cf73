"""A transformers checkpoint as an engine: against `generate`, and what a user does wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from carrychain.engines.base import Completion, FinishReason, SamplingParams
from carrychain.engines.local import LocalEngine
from carrychain.errors import InvalidInput, ModelUnavailable

from .conftest import EOS, KINDS, tiny_config

GREEDY = SamplingParams(temperature=0, max_tokens=24)
PROMPTS = [
    f"Question: What is {sum_}?\nAnswer: "
    for sum_ in ("1+2", "1234567+7654321", "99+1", "1+2", "é+☃")
]


def in_order(
    engine: Any, prompts: list[str], params: SamplingParams, seeds: Any
) -> list[Completion]:
    return sorted(engine.generate(prompts, params, list(seeds)), key=lambda c: c.index)


def generated(engine: Any, prompt: str, max_tokens: int, **options: float) -> list[int]:
    """The new tokens of transformers' own greedy `generate` on this prompt alone."""
    inputs = engine.tokenizer(prompt, return_tensors="pt")
    output = engine.model.generate(
        inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        do_sample=False,
        max_new_tokens=max_tokens,
        pad_token_id=1,
        **options,
    )
    return output[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shared", [True, False], ids=["shared prefix", "nothing shared"])
def test_greedy_text_of_unequal_prompts_is_that_of_generate(
    engines: dict[str, Any], kind: str, shared: bool
) -> None:
    engine = engines[kind]
    prompts = PROMPTS if shared else [f"{i * 37}{'x' * i}{p}" for i, p in enumerate(PROMPTS)]
    for prompt, completion in zip(
        prompts, in_order(engine, prompts, GREEDY, range(len(prompts))), strict=True
    ):
        expected = generated(engine, prompt, GREEDY.max_tokens)
        assert completion.tokens == len(expected)
        assert completion.text == engine.tokenizer.decode(expected, skip_special_tokens=True)
        assert completion.prompt_tokens == engine.count_tokens(prompt)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_the_penalty_counts_prompt_and_output_as_in_generate(
    engines: dict[str, Any], kind: str
) -> None:
    engine = engines[kind]
    params = SamplingParams(temperature=0, max_tokens=24, repetition_penalty=1.5)
    for prompt, completion in zip(
        PROMPTS, in_order(engine, PROMPTS, params, range(5)), strict=True
    ):
        expected = generated(engine, prompt, params.max_tokens, repetition_penalty=1.5)
        assert completion.text == engine.tokenizer.decode(expected, skip_special_tokens=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_text_whatever_n_and_order(
    engines: dict[str, Any], kind: str
) -> None:
    engine = engines[kind]
    params = SamplingParams(
        max_tokens=12, temperature=1.0, top_k=0, top_p=1, repetition_penalty=1.1
    )
    prompts = [f"Question: What is {i}+{i**3}?\nAnswer: " for i in range(1, 11)]
    whole = [c.text for c in in_order(engine, prompts, params, range(10))]
    assert [c.text for c in in_order(engine, prompts[:3], params, range(3))] == whole[:3]
    backwards = in_order(engine, prompts[::-1], params, range(9, -1, -1))
    assert [c.text for c in backwards] == whole[::-1]
    assert [c.text for c in in_order(engine, prompts[4:5], params, [4])] == whole[4:5]
    assert [c.text for c in in_order(engine, prompts, params, range(100, 110))] != whole


def test_rows_of_one_prompt_differ_by_seed_alone(engines: dict[str, Any]) -> None:
    params = SamplingParams(max_tokens=12, temperature=1.0, top_k=0, top_p=1)
    texts = [
        c.text for c in in_order(engines["llama"], PROMPTS[:1] * 4, params, [5, 6, 5, 2**64 - 1])
    ]
    assert texts[0] == texts[2]
    assert len(set(texts)) == 3


def test_more_prompts_than_slots_are_all_completed_once(engines: dict[str, Any]) -> None:
    prompts = [f"{i}+" for i in range(150)]
    completions = list(engines["llama"].generate(prompts, SamplingParams(max_tokens=2), range(150)))
    assert sorted(c.index for c in completions) == list(range(150))


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral"])
def test_stop_string_ends_a_row_and_is_not_in_its_text(engines: dict[str, Any], kind: str) -> None:
    engine = engines[kind]
    free = in_order(engine, PROMPTS, GREEDY, range(5))
    pairs = (c.text[i : i + 2] for c in free for i in range(2, len(c.text) - 2))
    stop = next(pair for pair in pairs if "�" not in pair)
    params = SamplingParams(temperature=0, max_tokens=24, stop=(stop,))
    stopped = in_order(engine, PROMPTS, params, range(5))
    assert any(c.finish_reason is FinishReason.STOP for c in stopped)
    for before, after in zip(free, stopped, strict=True):
        at = before.text.find(stop)
        assert after.text == (before.text if at < 0 else before.text[:at])
        assert (after.finish_reason is FinishReason.STOP) == (at >= 0)
        assert after.tokens <= before.tokens


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_go_on_are_not_changed_by_rows_that_end(
    engines: dict[str, Any], kind: str
) -> None:
    """Ended rows leave the batch; the others keep their cache, stream and penalty."""
    engine, many = engines[kind], range(12)
    sampling = {"max_tokens": 20, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    prompts = [f"What is {7 * i}+{i**4}?" for i in many]
    free = in_order(engine, prompts, SamplingParams(**sampling, repetition_penalty=1.3), many)
    stops = tuple("".join(c.text for c in free).replace("\N{REPLACEMENT CHARACTER}", "")[3::9][:6])
    params = SamplingParams(**sampling, repetition_penalty=1.3, stop=stops)
    stopped = in_order(engine, prompts, params, many)
    assert len({c.tokens for c in stopped}) > 3
    for before, after in zip(free, stopped, strict=True):
        at = min((i for stop in stops if (i := before.text.find(stop)) >= 0), default=None)
        assert after.text == before.text[:at]


def test_rows_are_yielded_when_they_finish_and_not_when_all_have(engines: dict[str, Any]) -> None:
    free = in_order(engines["llama"], PROMPTS, GREEDY, range(5))
    params = SamplingParams(temperature=0, max_tokens=24, stop=(free[1].text[:1],))
    order = [(c.tokens, c.index) for c in engines["llama"].generate(PROMPTS, params, range(5))]
    assert order == sorted(order, key=lambda pair: pair[0])
    assert len({tokens for tokens, _ in order}) > 1


def test_eos_ends_a_row_and_is_counted_and_not_in_the_text(engines: dict[str, Any]) -> None:
    engine = engines["llama"]
    third = generated(engine, PROMPTS[0], 5)[2]
    engine.model.generation_config.eos_token_id = third
    try:
        again = LocalEngine.__new__(LocalEngine)
        again.__dict__.update(engine.__dict__)
        from carrychain.engines.decoding import Decoder

        again._decoder = Decoder(engine.model, engine._decode, again._eos(), 4)
        (completion,) = again.generate(PROMPTS[:1], GREEDY, [0])
        expected = generated(engine, PROMPTS[0], 24)
    finally:
        engine.model.generation_config.eos_token_id = 1
    assert completion.finish_reason is FinishReason.EOS
    assert completion.tokens == len(expected) <= 3
    assert completion.text == engine.tokenizer.decode(expected[:-1])


@pytest.mark.parametrize("max_tokens", [1, 2, 7])
def test_max_tokens_holds(engines: dict[str, Any], max_tokens: int) -> None:
    params = SamplingParams(temperature=0, max_tokens=max_tokens)
    for completion in engines["qwen3"].generate(PROMPTS, params, range(5)):
        assert completion.tokens == max_tokens
        assert completion.finish_reason is FinishReason.LENGTH


def test_next_token_logits_are_the_models(engines: dict[str, Any]) -> None:
    for engine in engines.values():
        ids = engine.tokenizer(PROMPTS[1], return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            expected = engine.model(ids).logits[0, -1]
        assert torch.allclose(engine.next_token_logits(PROMPTS[1]), expected, atol=1e-4)


def test_a_prompt_beyond_the_context_is_refused_with_both_lengths_before_any_work(
    engines: dict[str, Any],
) -> None:
    prompt = "x+" * 150
    count = engines["llama"].count_tokens(prompt)
    with pytest.raises(
        InvalidInput, match=rf"{count} tokens and max_tokens is 24.* 256 tokens.*shorten"
    ):
        engines["llama"].generate(["1+1", prompt], GREEDY, [0, 1])
    assert engines["bloom"].context is None


def test_the_context_may_be_filled_to_its_end(engines: dict[str, Any]) -> None:
    engine = engines["gpt2"]  # its positions are a table, so one too many would raise
    prompt = "1+" * 100
    params = SamplingParams(temperature=0, max_tokens=256 - engine.count_tokens(prompt))
    (completion,) = engine.generate([prompt], params, [0])
    assert completion.tokens == params.max_tokens
    too_many = SamplingParams(temperature=0, max_tokens=params.max_tokens + 1)
    with pytest.raises(InvalidInput):
        engine.generate([prompt], too_many, [0])


def test_seeds_must_be_as_many_as_prompts(engines: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="2 prompts and 1 seeds"):
        engines["llama"].generate(["1", "2"], GREEDY, [0])


def test_info_names_what_changes_results(
    engines: dict[str, Any], checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    info = engines["llama"].info
    assert info.name == f"hf:{checkpoints['llama']}"
    assert info.settings == {
        "dtype": "float32",
        "device": "cpu",
        "slots": 256,
        "prefix": "shared",
    }
    copy = tmp_path / "llama"
    shutil.copytree(checkpoints["llama"], copy)
    assert LocalEngine(copy, device="cpu").info.revision == info.revision
    assert info.revision != engines["qwen3"].info.revision
    half = LocalEngine(copy, dtype="bfloat16", device="cpu")
    assert half.info.settings["dtype"] == "bfloat16"
    assert len(list(half.generate(PROMPTS, GREEDY, range(5)))) == 5


# --- what a user does wrong -----------------------------------------------------------------------


@pytest.fixture
def folder(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoints["llama"], tmp_path / "model"))


def refusal(folder: Path) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        LocalEngine(folder, device="cpu")
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "there is no folder" in refusal(tmp_path / "nowhere")


def test_a_file_is_not_a_folder(folder: Path) -> None:
    assert "is a file" in refusal(folder / "config.json")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "has no weights"),
        ("tokenizer.json", "has no tokenizer"),
    ],
)
def test_a_folder_that_lacks_a_file_says_which(folder: Path, missing: str, message: str) -> None:
    (folder / missing).unlink()
    assert message in refusal(folder)


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_truncated_weights_are_damaged(folder: Path, kept: int) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert "damaged" in refusal(folder)


def test_weights_that_lack_a_tensor_are_damaged(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "lacks 1 of its model's weights" in refusal(folder)


def test_a_config_of_another_size_than_the_weights_is_damaged(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    assert "can't be loaded" in refusal(folder)


def test_a_broken_tokenizer_is_damaged(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": ')
    assert "can't be loaded" in refusal(folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_broken_config_is_named(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    assert "config.json" in refusal(folder)


def test_an_unknown_architecture_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "frobnicator"}')
    assert "can't be loaded" in refusal(folder)


def test_code_of_a_checkpoint_is_never_run(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    auto_map = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": auto_map}))
    assert "brings code of its own" in refusal(folder)


def test_a_model_that_is_not_causal_is_refused(tmp_path: Path, tokenizer: Any) -> None:
    import transformers

    config = transformers.BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert "BertForMaskedLM, not a causal language model" in refusal(tmp_path)
    llama = transformers.LlamaModel(
        tiny_config("llama", 400)
    )  # without the head that scores tokens
    llama.save_pretrained(tmp_path)
    assert "LlamaModel, not a causal language model" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int3"}, "dtype is 'int3'; it must be auto, float32"),
        ({"device": "tpu"}, "device is 'tpu'; it must be auto, cpu"),
        ({"device": "cuda:x"}, "device is 'cuda:x'"),
    ],
)
def test_unknown_options_are_refused(folder: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        LocalEngine(folder, **options)


def test_loading_prints_nothing(folder: Path) -> None:
    code = (
        "import sys; from carrychain.engines import load; load('hf:' + sys.argv[1], device='cpu')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_end_token_of_the_tokenizer_counts_where_no_config_has_one(folder: Path) -> None:
    for name in ("config.json", "generation_config.json"):
        settings = json.loads((folder / name).read_text())
        settings["eos_token_id"] = None
        (folder / name).write_text(json.dumps(settings))
    engine = LocalEngine(folder, device="cpu")
    assert engine._eos() == {engine.tokenizer.convert_tokens_to_ids(EOS)}


def test_a_model_larger_than_the_free_memory_is_refused_before_it_loads(
    engines: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an 8B model in float32 on a laptop."""
    import psutil

    folder = engines["llama"].model.config._name_or_path
    numbers = engines["llama"].model.num_parameters()
    memory = psutil.virtual_memory()._replace(available=numbers * 3)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(ModelUnavailable, match=r"GB are free; --dtype bfloat16 needs"):
        LocalEngine(folder)
    assert LocalEngine(folder, dtype="bfloat16").info.settings["dtype"] == "bfloat16"
    memory = memory._replace(available=numbers)
    with pytest.raises(ModelUnavailable, match="take a smaller model"):
        LocalEngine(folder)
