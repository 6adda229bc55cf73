"""An OpenAI-compatible server: raw prompts to its completions endpoint, every parameter by name.

Servers fill what a request leaves open with defaults of their own or of the checkpoint, and know
the same parameter by different names. So each request says everything, under the names of the kind
of server that answers, which is found out when the engine is made:

    kind          top-k   penalty              off is  told by
    vLLM          top_k   repetition_penalty   0       its models are owned by "vllm"
    llama.cpp     top_k   repeat_penalty       0       GET /props, or its OpenAPI description
    transformers  in generation_config (JSON)  0       its OpenAPI description; any model's id
    openai        -       -                    -       any other

Names as in vLLM's "OpenAI-compatible server" page, llama.cpp's tools/server/README.md, the schema
of llama-cpp-python and `transformers serve`.
"""

from __future__ import annotations

import email.utils
import hashlib
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, cast

import httpx

from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.engines.stopping import cut
from carrychain.errors import GenerationFailed, InvalidInput, ModelUnavailable, nearest

_ATTEMPTS = 6
_LONGEST_WAIT = 60.0  # seconds, also where Retry-After asks for more
_TIMEOUT = httpx.Timeout(600, connect=10)  # seconds; an answer may wait in the server's queue
_OPENAI_STOPS = 4


class RemoteEngine:
    """An `Engine` over a server's completions endpoint.

    The key is read from OPENAI_API_KEY, sent to this server only, and never shown or saved.

    Args:
        address: "URL#MODEL", such as http://127.0.0.1:8000/v1#smollm2.
        concurrency: most requests in flight, at least 1.
        backoff: seconds before the first repeat of a failed request, on average half; doubled each
            time. Retry-After is honoured.

    Raises:
        InvalidInput: the address has no model, or is no http address.
        ModelUnavailable: nothing answers there, it is no such server, it only chats, it lacks the
            model, or it wants another key; the message says which.
    """

    def __init__(self, address: str, concurrency: int = 8, backoff: float = 0.5) -> None:
        self._base, self._model = _parse(address)
        self._name = f"openai:{self._base}#{self._model}"
        self._concurrency, self._backoff = concurrency, backoff
        self._key = os.environ.get("OPENAI_API_KEY", "")
        with self._client() as http:
            self._server = self._find_server(http)
            self._described = {} if self._server is _TRANSFORMERS else self._find_model(http)
            if self._described.get("owned_by") == "vllm":
                self._server = _VLLM
            self._refuse_chat_only(http)
        if self._server is _TRANSFORMERS:
            self._concurrency = 1  # it seeds one generator, which all of its requests share

    @property
    def info(self) -> EngineInfo:
        """What this engine is; nothing in it is secret."""
        host = httpx.URL(self._base).netloc.decode()
        settings = {"server": self._server.kind, "concurrency": self._concurrency}
        return EngineInfo(self._name, f"{self._model} at {host}", None, settings)

    @property
    def context(self) -> int | None:
        """Most tokens that prompt and output may have together, where the server tells."""
        found = self._described.get("max_model_len")
        return found if isinstance(found, int) else None

    def count_tokens(self, text: str) -> int | None:
        """Return the number of tokens of a prompt, where the server counts them."""
        root = self._base.removesuffix("/v1")
        path, body, field = {
            "vllm": ("/tokenize", {"model": self._model, "prompt": text}, "count"),
            "llama.cpp": ("/tokenize", {"content": text, "add_special": True}, "tokens"),
            "llama-cpp-python": (
                "/extras/tokenize/count",
                {"model": self._model, "input": text},
                "count",
            ),
        }.get(self._server.kind, ("", {}, ""))
        if not path:
            return None
        try:
            with self._client() as http:
                found = http.post(root + path, json=body).json()[field]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        return len(cast(list[object], found)) if isinstance(found, list) else found

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        """Yield one completion a prompt, in the order in which they finish (see `Engine.generate`).

        Servers take seeds of 31 bits: a hash of the seed is sent.

        Raises:
            InvalidInput: the server does not know a parameter that is asked for; raised here.
            GenerationFailed: it refused a request, or failed it again and again.
        """
        if len(prompts) != len(seeds):
            raise InvalidInput(
                f"there are {len(prompts)} prompts and {len(seeds)} seeds; give each prompt its own"
            )
        common = {"model": self._model, "stream": False, **self._server.arguments(params)}
        bodies = [
            {**common, "prompt": prompt, "seed": _short_seed(seed)}
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        return self._complete(bodies, params)

    def _complete(
        self, bodies: Sequence[Mapping[str, object]], params: SamplingParams
    ) -> Iterator[Completion]:
        cancelled = threading.Event()
        pool, http = ThreadPoolExecutor(self._concurrency), self._client()
        try:
            asked = [
                pool.submit(self._ask, http, index, body, params, cancelled)
                for index, body in enumerate(bodies)
            ]
            for done in as_completed(asked):
                yield done.result()
        finally:
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            http.close()

    def _ask(
        self,
        http: httpx.Client,
        index: int,
        body: Mapping[str, object],
        params: SamplingParams,
        cancelled: threading.Event,
    ) -> Completion:
        """Send one request, again after failures that may pass."""
        problem, wait = "", 0.0
        for attempt in range(_ATTEMPTS):
            if cancelled.wait(wait):
                break
            # Full jitter (Brooker 2015, "Exponential backoff and jitter"): clients that failed
            # together do not come back together.
            wait = min(_LONGEST_WAIT, self._backoff * 2**attempt) * random.random()
            try:
                answer = http.post(f"{self._base}/completions", json=body)
            except httpx.TransportError as error:
                problem = f"the connection failed ({_kind(error)})"
                continue
            if answer.status_code == 429 or answer.status_code >= 500:
                problem = f"it answered {answer.status_code}{self._said(answer)}"
                wait = max(wait, _retry_after(answer))
                continue
            if answer.is_error:
                raise GenerationFailed(
                    f"{self._base} refused a request: {answer.status_code}{self._said(answer)}"
                )
            try:
                return self._completion(index, answer.json(), params)
            except (ValueError, KeyError, IndexError, TypeError):
                problem = f"its answer is no completion ({_start(answer.text)})"
        raise GenerationFailed(
            f"{self._base} failed {_ATTEMPTS} times; the last time {problem}"
            if not cancelled.is_set()
            else "the request was cancelled"
        )

    def _completion(self, index: int, answer: Any, params: SamplingParams) -> Completion:
        choice, usage = answer["choices"][0], answer["usage"]
        text: object = choice["text"]
        if not isinstance(text, str):
            raise TypeError
        reason = FinishReason.LENGTH
        if choice["finish_reason"] == "stop":
            # vLLM says which; another server is taken to have found a stop string if there was one.
            found = choice["stop_reason"] if "stop_reason" in choice else bool(params.stop)
            reason = FinishReason.STOP if found and not _is_token(found) else FinishReason.EOS
            before = cut(text, params.stop)  # transformers leaves the stop string in
            text = text if before is None else before
        return Completion(
            index, text, int(usage["completion_tokens"]), int(usage["prompt_tokens"]), reason
        )

    # --- what answers there -----------------------------------------------------------------------

    def _find_model(self, http: httpx.Client) -> dict[str, Any]:
        """Return the server's description of the model."""
        try:
            answer = http.get(f"{self._base}/models")
        except httpx.TransportError as error:
            raise ModelUnavailable(
                f"nothing answers at {self._base} ({_kind(error)}); is the server running?"
            ) from error
        if answer.status_code in (401, 403):
            raise ModelUnavailable(
                f"{self._base} answered {answer.status_code}: "
                + ("it does not take" if self._key else "it asks for a key; set")
                + (" the key in OPENAI_API_KEY" if self._key else " OPENAI_API_KEY")
            )
        try:
            listed = answer.json()["data"]
            models = {str(entry["id"]): cast(dict[str, Any], entry) for entry in listed}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(
                f"{self._base}/models is not the list of an OpenAI-compatible server (status "
                f"{answer.status_code}, {_start(answer.text)}); its address often ends in /v1"
            ) from error
        if self._model not in models:
            raise ModelUnavailable(
                f"{self._base} has no model {self._model!r}{nearest(self._model, tuple(models))}"
            )
        return models[self._model]

    def _find_server(self, http: httpx.Client) -> _Server:
        """Return what answers, as far as it describes itself; vLLM shows in its list of models."""
        root = self._base.removesuffix("/v1")
        if "default_generation_settings" in _get(http, f"{root}/props"):
            return _LLAMA_CPP
        paths = _get(http, f"{root}/openapi.json").get("paths")
        if isinstance(paths, dict):
            if "/extras/tokenize" in paths:
                return _LLAMA_CPP_PYTHON
            if "/v1/completions" in paths and "/load_model" in paths:
                return _TRANSFORMERS
        return _OPENAI

    def _refuse_chat_only(self, http: httpx.Client) -> None:
        """Ask the endpoint something that it must refuse, to see that it is there."""
        body = {"model": self._model, "prompt": {"": ""}, "max_tokens": 1}
        try:
            status = http.post(f"{self._base}/completions", json=body).status_code
        except httpx.TransportError:
            return
        if status in (404, 405, 501):
            raise ModelUnavailable(
                f"{self._base} has no completions endpoint, it only chats: a chat template would "
                "be put around every prompt, so what is measured would not be the prompt"
            )

    def _client(self) -> httpx.Client:
        return httpx.Client(
            timeout=_TIMEOUT,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            limits=httpx.Limits(max_connections=self._concurrency),
        )

    def _said(self, answer: httpx.Response) -> str:
        """Return what a server says beside an error, without the key."""
        try:
            said: object = answer.json()
        except ValueError:
            said = answer.text
        for name in ("error", "message", "detail"):
            if isinstance(said, dict):
                said = cast(dict[str, object], said).get(name, cast(object, said))
        text = _start(said if isinstance(said, str) else json.dumps(said))
        return f": {text.replace(self._key, '…') if self._key else text}"


# --- what each kind of server takes ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Server:
    kind: str
    arguments: Callable[[SamplingParams], dict[str, object]]


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
    if len(params.stop) > _OPENAI_STOPS:
        raise InvalidInput(
            f"there are {len(params.stop)} stop strings; this server takes {_OPENAI_STOPS}"
        )
    return _common(params)


_VLLM = _Server("vllm", _vllm)
_LLAMA_CPP = _Server("llama.cpp", _llama_cpp)
_LLAMA_CPP_PYTHON = _Server("llama-cpp-python", _llama_cpp_python)
_TRANSFORMERS = _Server("transformers", _transformers)
_OPENAI = _Server("openai", _openai)


# --- small things ---------------------------------------------------------------------------------


def _get(http: httpx.Client, url: str) -> dict[str, Any]:
    """Return what a server answers, or nothing where that is no JSON object."""
    try:
        found = http.get(url).json()
    except (httpx.HTTPError, ValueError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _parse(address: str) -> tuple[str, str]:
    """Return the base URL, with /v1 where no path is given, and the model."""
    shown = re.sub(r"//[^/@]*@", "//…@", address)
    url, found, model = address.partition("#")
    if not found or not model:
        raise InvalidInput(
            f"openai:{shown} names no model; give openai:URL#MODEL, "
            "such as openai:http://127.0.0.1:8000/v1#smollm2"
        )
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"openai:{shown} is no address ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput(f"openai:{shown} is no address; it must begin with http:// or https://")
    if parsed.userinfo or parsed.query:
        raise InvalidInput(
            "an address holds no key, user name or password, for it is saved with every result; "
            "put the key into OPENAI_API_KEY"
        )
    path = parsed.path.rstrip("/") or "/v1"
    return str(parsed.copy_with(path=path)).rstrip("/"), model


def _short_seed(seed: int) -> int:
    digest = hashlib.blake2b(seed.to_bytes(8, "little"), digest_size=4).digest()
    return int.from_bytes(digest, "little") & 0x7FFFFFFF


def _retry_after(answer: httpx.Response) -> float:
    """Return the seconds that a Retry-After header asks for, given as a number or as a date."""
    asked = answer.headers.get("Retry-After", "")
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _is_token(reason: object) -> bool:
    return isinstance(reason, int) and not isinstance(reason, bool)


def _kind(error: Exception) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()


def _start(text: str) -> str:
    """Return a text's beginning in one line."""
    line = " ".join(text.split())
    return f"it begins {line[:80]!r}" if line else "it is empty"
