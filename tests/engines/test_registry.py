"""Names of engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from carrychain import engines
from carrychain.engines import registry
from carrychain.errors import InvalidInput, ModelUnavailable


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mimi", "did you mean mini"),
        ("lama2", "did you mean llama2"),
        ("hf:", "hf:ID-or-folder"),
        ("", "mini"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=f"there is no model '{name}'.*{hint}"):
        engines.load(name)


def test_a_model_is_loaded_once_a_process(checkpoints: dict[str, Path]) -> None:
    name = f"hf:{checkpoints['llama']}"
    engine = engines.load(name, device="cpu")
    assert engines.load(name, device="cpu") is engine
    assert engine.info.name == name
    assert engines.load(name, dtype="bfloat16", device="cpu") is not engine


def test_a_recorded_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"rows": [{"prompt": "p", "output": "x"}]}))
    engine = engines.load(f"recorded:{path}")
    assert engine.info.name == f"recorded:{path}"
    assert engines.load(f"recorded:{path}") is not engine


def test_absent_weights_of_mini_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "mini_weights", lambda: tmp_path / "weights")
    monkeypatch.setattr(registry, "_loaded", {})
    with pytest.raises(ModelUnavailable, match=r"the weights of mini are not in .*train"):
        engines.load("mini")
    mini = engines.available()[0]
    assert (mini.name, mini.title) == ("mini", "mini (embedded teaching model)")
    assert not mini.available
    assert "weights" in mini.reason


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def test_a_hub_model_that_is_absent_and_offline_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "from carrychain import engines; from carrychain.errors import ModelUnavailable\n"
        "try: engines.load('hf:carrychain/nowhere')\n"
        "except ModelUnavailable as error: print(error)"
    )
    done = run_python(code, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert "carrychain/nowhere is not on this machine, and the hub can't be reached" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_listing_models_and_importing_engines_load_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from carrychain import engines; engines.available()\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    assert run_python(code, HF_HOME=str(tmp_path)).stdout.split() == ["False", "False"]


def hub_error(kind: str) -> Exception:
    """What huggingface_hub raises, with a response as small as its constructor takes."""
    from huggingface_hub import errors

    error = getattr(errors, kind)
    return error.__new__(error)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "GatedRepoError",
            "is gated: ask for access at https://huggingface.co/meta-llama/L.*HF_TOKEN",
        ),
        ("RepositoryNotFoundError", "the hub has no model meta-llama/Llama-2-7b-chat-hf"),
        ("OfflineModeIsEnabled", "the hub can't be reached"),
    ],
)
def test_a_hub_refusal_is_one_sentence_with_what_to_do(
    kind: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub

    def refuse(*_: object, **__: object) -> None:
        raise hub_error(kind)

    def nothing_cached(*_: object, **__: object) -> None:
        raise huggingface_hub.errors.LocalEntryNotFoundError("not cached")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nothing_cached)
    monkeypatch.setattr(huggingface_hub, "auth_check", refuse)
    with pytest.raises(ModelUnavailable, match=message) as caught:
        engines.load("llama2", device="cpu")
    assert "\n" not in str(caught.value)
