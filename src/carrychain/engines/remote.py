"""An OpenAI-compatible server: raw prompts to its completions endpoint, every parameter by name.

Every request says everything, under the names of the kind of server that answers (`dialects`),
which is found out when the engine is made.
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
from collections.abc import Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, cast

import httpx

from carrychain.engines import dialects
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.engines.dialects import Dialect
from carrychain.engines.stopping import cut
from carrychain.errors import GenerationFailed, InvalidInput, ModelUnavailable, nearest

_ATTEMPTS = 6
_LONGEST_WAIT = 60.0  # seconds, also where Retry-After asks for more
_TIMEOUT = httpx.Timeout(600, connect=10)  # seconds; an answer may wait in the server's queue


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
        self._root = self._base.removesuffix("/v1")
        self._name = f"openai:{self._base}#{self._model}"
        self._concurrency, self._backoff = concurrency, backoff
        self._key = _key()
        with self._client() as http:
            self._dialect = self._find_server(http)
            self._described = (
                {} if self._dialect is dialects.TRANSFORMERS else self._find_model(http)
            )
            if self._described.get("owned_by") == "vllm":
                self._dialect = dialects.VLLM
            self._refuse_chat_only(http)
        if self._dialect is dialects.TRANSFORMERS:
            self._concurrency = 1  # it seeds one generator, which all of its requests share

    @property
    def info(self) -> EngineInfo:
        """What this engine is; nothing in it is secret."""
        host = httpx.URL(self._base).netloc.decode()
        settings = {"server": self._dialect.kind, "concurrency": self._concurrency}
        return EngineInfo(self._name, f"{self._model} at {host}", None, settings)

    @property
    def context(self) -> int | None:
        """Most tokens that prompt and output may have together, where the server tells."""
        found = self._described.get("max_model_len")
        return found if isinstance(found, int) else None

    def count_tokens(self, text: str) -> int | None:
        """Return the number of tokens of a prompt, where the server counts them."""
        if self._dialect.count is None:
            return None
        path, body, field = self._dialect.count
        try:
            with self._client() as http:
                answer = http.post(self._root + path, json=body(self._model, text))
                found = answer.json()[field]
        except (httpx.RequestError, ValueError, KeyError, TypeError):
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
        common = {"model": self._model, "stream": False, **self._dialect.arguments(params)}
        bodies = [
            {**common, "prompt": prompt, "seed": _short_seed(seed)}
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        return self._complete(bodies, params)

    def _complete(
        self, bodies: Sequence[Mapping[str, object]], params: SamplingParams
    ) -> Iterator[Completion]:
        """Let some threads take the requests one after the other, and yield what they bring.

        The threads are daemons: Ctrl-C does not wait for what a slow server still owes.
        """
        cancelled, http = threading.Event(), self._client()
        waiting: SimpleQueue[tuple[int, Mapping[str, object]]] = SimpleQueue()
        outcomes: SimpleQueue[Completion | Exception] = SimpleQueue()
        for request in enumerate(bodies):
            waiting.put(request)

        def work() -> None:
            while not cancelled.is_set():
                try:
                    outcomes.put(self._ask(http, *waiting.get_nowait(), params, cancelled))
                except Empty:
                    return
                except Exception as error:  # raised where the completions are asked for
                    outcomes.put(error)

        try:
            for _ in range(min(self._concurrency, len(bodies))):
                threading.Thread(target=work, daemon=True).start()
            for _ in bodies:
                if isinstance(outcome := outcomes.get(), Exception):
                    raise outcome
                yield outcome
        finally:
            cancelled.set()
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
            except httpx.RequestError as error:
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
                problem = f"its answer is no completion ({self._start(answer.text)})"
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
        ended = choice["finish_reason"]
        if ended not in ("stop", "length"):
            raise GenerationFailed(
                f"{self._base} ended a text with {ended!r}; stop and length are known"
            )
        reason = FinishReason.LENGTH
        if ended == "stop":
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
        except httpx.RequestError as error:
            raise ModelUnavailable(
                f"nothing answers at {self._base} ({_kind(error)}); is the server running?"
            ) from error
        if answer.status_code in (401, 403):
            raise ModelUnavailable(
                f"{self._base} does not take the key in OPENAI_API_KEY"
                if self._key
                else f"{self._base} asks for a key; set OPENAI_API_KEY"
            )
        try:
            listed = answer.json()["data"]
            models = {str(entry["id"]): cast(dict[str, Any], entry) for entry in listed}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(
                f"{self._base}/models is not the list of an OpenAI-compatible server (status "
                f"{answer.status_code}, {self._start(answer.text)}); its address often ends in /v1"
            ) from error
        if self._model not in models:
            raise ModelUnavailable(
                f"{self._base} has no model {self._model!r}{nearest(self._model, tuple(models))}"
            )
        return models[self._model]

    def _find_server(self, http: httpx.Client) -> Dialect:
        """Return what answers, as far as it describes itself; vLLM shows in its list of models."""
        if "default_generation_settings" in _get(http, f"{self._root}/props"):
            return dialects.LLAMA_CPP
        paths = _get(http, f"{self._root}/openapi.json").get("paths")
        if isinstance(paths, dict):
            if "/extras/tokenize" in paths:
                return dialects.LLAMA_CPP_PYTHON
            if "/v1/completions" in paths and "/load_model" in paths:
                return dialects.TRANSFORMERS
        return dialects.OPENAI

    def _refuse_chat_only(self, http: httpx.Client) -> None:
        """Ask the endpoint something that it must refuse, to see that it is there."""
        body = {"model": self._model, "prompt": {"": ""}, "max_tokens": 1}
        try:
            status = http.post(f"{self._base}/completions", json=body).status_code
        except httpx.RequestError:
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
        """Return what a server says beside an error."""
        try:
            said: object = answer.json()
        except ValueError:
            said = answer.text
        for name in ("error", "message", "detail"):
            if isinstance(said, dict):
                said = cast(dict[str, object], said).get(name, cast(object, said))
        return f": {self._start(said if isinstance(said, str) else json.dumps(said))}"

    def _start(self, text: str) -> str:
        """Return the beginning of what a server says, in one line and without the key."""
        line = " ".join((text.replace(self._key, "…") if self._key else text).split())
        return f"it begins {line[:80]!r}" if line else "it is empty"


# --- small things ---------------------------------------------------------------------------------


def _get(http: httpx.Client, url: str) -> dict[str, Any]:
    """Return what a server answers, or nothing where that is no JSON object."""
    try:
        found = http.get(url).json()
    except (httpx.RequestError, ValueError):
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


def _key() -> str:
    """Return the key from the environment, or nothing."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InvalidInput("OPENAI_API_KEY holds characters that no key has; set it again")
    return key


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
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else 0.0  # also where it is no number


def _is_token(reason: object) -> bool:
    return isinstance(reason, int) and not isinstance(reason, bool)


def _kind(error: Exception) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
