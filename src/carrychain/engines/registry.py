"""Names of engines: what there is, whether it can be used here, and loading it."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from carrychain.engines import smollm2
from carrychain.engines.base import Engine
from carrychain.errors import InvalidInput, ModelUnavailable, nearest


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of `carrychain models`.

    Args:
        name: what `load` takes.
        title: what a person reads.
        licence: the weights' licence.
        source: where the weights come from.
        available: whether it loads here without a network.
        reason: why not, and what to do; empty where it is available.
    """

    name: str
    title: str
    licence: str
    source: str
    available: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _HubModel:
    repository: str
    title: str
    licence: str
    note: str


MINI_TITLE = "mini (embedded teaching model)"
_HUB = {
    "llama2": _HubModel(
        "meta-llama/Llama-2-7b-chat-hf",
        "Llama-2-7b-chat",
        "Llama 2 Community License",
        "gated: ask for access at https://huggingface.co/meta-llama/Llama-2-7b-chat-hf, "
        "then `hf auth login`; the first use downloads 13.5 GB",
    ),
    "qwen3": _HubModel(
        "Qwen/Qwen3-8B", "Qwen3-8B", "Apache-2.0", "the first use downloads 16.4 GB"
    ),
}
_MINI_MISSING = (
    "the weights of mini are not in {}; install carrychain again, "
    "or train it: python -m carrychain.mini.train"
)
_FORMS = ("mini", "smollm2", *_HUB, "hf:ID-or-folder", "openai:URL#MODEL", "recorded:FILE")

_FETCHED = ("smollm2", *_HUB, "hf:ID")

_loaded: dict[tuple[str, str, str], Engine] = {}
_loading = Lock()


def load(name: str, dtype: str = "auto", device: str = "auto", offline: bool = False) -> Engine:
    """Return the engine of a name; a process loads a model once.

    Args:
        name: mini, smollm2, llama2, qwen3, hf:ID-or-folder (any transformers causal language
            model), openai:URL#MODEL (a server) or recorded:FILE (a saved evaluation).
        dtype: float32, bfloat16, float16, or auto: the checkpoint's own on a GPU, float32 on a CPU.
        device: auto (a GPU if there is one), cpu, cuda or cuda:N.
        offline: ask no network: a hub model must have been downloaded before. A server on this
            machine may still be asked.

    Raises:
        InvalidInput: an unknown name (the message has the nearest), dtype or device.
        ModelUnavailable: it can't be used here; the message says why and what to do.
    """
    kind, _, rest = name.partition(":")
    if kind == "recorded" and rest:
        from carrychain.engines.recorded import RecordedEngine

        return RecordedEngine(rest)
    if kind == "openai" and rest:
        from carrychain.engines.remote import RemoteEngine

        if dtype != "auto":
            raise InvalidInput(f"dtype is {dtype!r}, but a server chooses its own; leave it out")
        return RemoteEngine(rest)
    if name not in ("mini", "smollm2", *_HUB) and not (kind == "hf" and rest):
        raise InvalidInput(f"there is no model {name!r}{nearest(name, _FORMS)}")
    with _loading:
        key = (name, dtype, device)
        if key not in _loaded:
            _loaded[key] = _load_local(name, rest, dtype, device, offline)
        return _loaded[key]


def available() -> list[ModelEntry]:
    """Return every named model and whether it can be used here, without loading PyTorch."""
    weights = mini_weights()
    there = weights.joinpath("model.safetensors").is_file()
    reason = "" if there else _MINI_MISSING.format(weights)
    mini = ModelEntry("mini", MINI_TITLE, "Apache-2.0", "shipped with carrychain", there, reason)
    smollm = ModelEntry(
        "smollm2",
        smollm2.TITLE,
        smollm2.LICENCE,
        smollm2.SOURCE,
        here := smollm2.is_fetched(),
        "" if here else smollm2.NOT_FETCHED,
    )
    return [mini, smollm, *(_hub_entry(name, model) for name, model in _HUB.items())]


def fetch(name: str, say: Callable[[str], None] = lambda step: None) -> Path:
    """Download a named model, unless it is here, and return its folder.

    Args:
        name: smollm2, llama2, qwen3 or hf:ID; mini is there already.
        say: called with a sentence before each step.

    Raises:
        InvalidInput: a name that nothing can be fetched for.
        ModelUnavailable: it can't be had; the message says why and what to do.
    """
    kind, _, rest = name.partition(":")
    if name == "smollm2":
        return smollm2.fetch(say)
    if name == "mini" and mini_weights().is_dir():
        return mini_weights()
    if name in _HUB or (kind == "hf" and rest):
        from carrychain.engines import checkpoint

        return checkpoint.download(_HUB[name].repository if name in _HUB else rest)
    raise InvalidInput(f"there is nothing to fetch for {name!r}{nearest(name, _FETCHED)}")


def mini_weights() -> Path:
    """Return the folder of the embedded model's weights, whether or not it is there."""
    return Path(str(importlib.resources.files("carrychain.mini"))) / "weights"


def _load_local(name: str, rest: str, dtype: str, device: str, offline: bool) -> Engine:
    from carrychain.engines.local import LocalEngine

    if name == "mini":
        weights = mini_weights()
        if not weights.is_dir():
            raise ModelUnavailable(_MINI_MISSING.format(weights))
        return LocalEngine(weights, name, MINI_TITLE, dtype, device)
    if name == "smollm2":
        if not smollm2.is_fetched():
            raise ModelUnavailable(f"smollm2 is {smollm2.NOT_FETCHED}")
        revision = f"gguf-sha256:{smollm2.SHA256[:16]}"
        return LocalEngine(smollm2.folder(), name, smollm2.TITLE, dtype, device, revision)
    repository, title = (_HUB[name].repository, _HUB[name].title) if name in _HUB else (rest, None)
    return LocalEngine(repository, name, title, dtype, device, offline=offline)


def _hub_entry(name: str, model: _HubModel) -> ModelEntry:
    from huggingface_hub import try_to_load_from_cache

    files = ("config.json", "model.safetensors.index.json")
    there = all(isinstance(try_to_load_from_cache(model.repository, f), str) for f in files)
    source = f"https://huggingface.co/{model.repository}"
    return ModelEntry(name, model.title, model.licence, source, there, "" if there else model.note)
