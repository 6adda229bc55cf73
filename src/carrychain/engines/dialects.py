"""The names by which kinds of servers know the parameters.

Servers fill what a request leaves open with defaults of their own or of the checkpoint, and know
the same parameter by different names. So a request says all of it:

    kind          top-k   penalty              told by
    vLLM          top_k   repetition_penalty   its models are owned by "vllm"
    llama.cpp     top_k   repeat_penalty       GET /props, or llama-cpp-python's OpenAPI description
    transformers  in generation_config (JSON)  its OpenAPI description; it loads any model's id
    openai        -       -                    any other

Names as in vLLM's "OpenAI-compatible server" page, llama.cpp's tools/server/README.md, the schema
of llama-cpp-python and `transformers serve`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput

_MOST_STOPS = 4  # that a plain OpenAI server takes


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of server understands.

    Args:
        kind: its name.
        arguments: what a request says beside model, prompt and seed, off values included. It raises
            InvalidInput for a parameter that is asked for and that the server does not know.
        count: how it counts a text's tokens, if it does: the path, the body for a model and a text,
            and the answer's field, which holds the number or the tokens.
    """

    kind: str
    arguments: Callable[[SamplingParams], dict[str, object]]
    count: tuple[str, Callable[[str, str], dict[str, object]], str] | None = None


def _common(params: SamplingParams) -> dict[str, object]:
    return {
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "stop": list(params.stop) or None,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
    }


def _vllm(params: SamplingParams) -> dict[str, object]:
    return {
        **_common(params),
        # It takes top_p above 0 only; the most likely token alone is the same distribution.
        "top_p": params.top_p or 1.0,
        "top_k": params.top_k if params.top_p else 1,
        "repetition_penalty": params.repetition_penalty,
        "min_p": 0.0,
    }


def _llama_cpp(params: SamplingParams) -> dict[str, object]:
    return {
        **_llama_cpp_python(params),
        "repeat_last_n": -1,  # the whole text, as in the other engines
        "typical_p": 1.0,
        "dry_multiplier": 0.0,
        "xtc_probability": 0.0,
        "samplers": ["penalties", "temperature", "top_k", "top_p"],
    }


def _llama_cpp_python(params: SamplingParams) -> dict[str, object]:
    return {
        **_common(params),
        "top_k": params.top_k,
        "repeat_penalty": params.repetition_penalty,
        "min_p": 0.0,
        "mirostat_mode": 0,
    }


def _transformers(params: SamplingParams) -> dict[str, object]:
    config: dict[str, object] = {
        "max_new_tokens": params.max_tokens,
        "do_sample": not params.greedy,
        "repetition_penalty": params.repetition_penalty,
    }
    if not params.greedy:
        config |= {
            "temperature": params.temperature,
            "top_k": params.top_k,
            "top_p": params.top_p or 1e-9,
        }
    return {
        "max_tokens": params.max_tokens,
        "stop": list(params.stop) or None,
        "generation_config": json.dumps(config),
    }


def _openai(params: SamplingParams) -> dict[str, object]:
    for name, off in (("top_k", 0), ("repetition_penalty", 1)):
        if (value := getattr(params, name)) != off:
            flag = name.replace("_", "-")
            raise InvalidInput(
                f"{name} is {value:g}, but this server knows no {name} (it is no vLLM, llama.cpp "
                f"or transformers server); set --{flag} {off}, which is off"
            )
    if len(params.stop) > _MOST_STOPS:
        raise InvalidInput(
            f"there are {len(params.stop)} stop strings; this server takes {_MOST_STOPS}"
        )
    return _common(params)


VLLM = Dialect("vllm", _vllm, ("/tokenize", lambda m, t: {"model": m, "prompt": t}, "count"))
LLAMA_CPP = Dialect(
    "llama.cpp",
    _llama_cpp,
    ("/tokenize", lambda _, t: {"content": t, "add_special": True}, "tokens"),
)
LLAMA_CPP_PYTHON = Dialect(
    "llama-cpp-python",
    _llama_cpp_python,
    ("/extras/tokenize/count", lambda m, t: {"model": m, "input": t}, "count"),
)
TRANSFORMERS = Dialect("transformers", _transformers)
OPENAI = Dialect("openai", _openai)
