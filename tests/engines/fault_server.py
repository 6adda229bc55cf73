"""A completions server on loopback over a model of a few words, which misbehaves on demand."""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = [*"abcdefgh", " ", "\n", "the ", "one ", "two "]
EOS = len(WORDS)


def encode(text: str) -> list[int]:
    """Greedy longest match; what is no word is left out."""
    ids: list[int] = []
    while text:
        fits = [i for i, word in enumerate(WORDS) if text.startswith(word)]
        best = max(fits, key=lambda i: len(WORDS[i]), default=None)
        ids += [] if best is None else [best]
        text = text[1 if best is None else len(WORDS[best]) :]
    return ids


def logits_after(ids: Sequence[int]) -> list[float]:
    """Depend on the last two tokens; greedy decoding soon runs in a circle, never into EOS."""
    rng = random.Random(repr(list(ids[-1:])))
    return [rng.gauss(2.0, 1.5) for _ in WORDS] + [-8.0]


def generate(body: dict[str, Any], ignores: Iterable[str]) -> tuple[str, str, int]:
    """Sample as transformers orders it; return text, finish reason and number of tokens."""
    given = {name: value for name, value in body.items() if name not in ignores}
    rng = random.Random(given.get("seed", random.random()))
    penalty = given.get("repeat_penalty", given.get("repetition_penalty", 1.0))
    temperature, top_k, top_p = (
        given.get(k, d) for k, d in [("temperature", 1.0), ("top_k", 0), ("top_p", 1.0)]
    )
    stops = given.get("stop") or []
    seen, text, count = encode(body["prompt"]), "", 0
    while count < given.get("max_tokens", 60):
        scores = dict(enumerate(logits_after(seen)))
        for token in set(seen):
            scores[token] *= penalty if scores[token] < 0 else 1 / penalty
        order = sorted(scores, key=lambda i: -scores[i])
        if temperature == 0:
            token = order[0]
        else:
            kept = order[: top_k or None]
            weights = [math.exp((scores[i] - scores[order[0]]) / temperature) for i in kept]
            total, mass, nucleus = sum(weights), 0.0, 0
            while nucleus < len(kept) and (nucleus == 0 or mass < top_p * total):
                mass, nucleus = mass + weights[nucleus], nucleus + 1
            token = rng.choices(kept[:nucleus], weights[:nucleus])[0]
        count += 1
        if token == EOS:
            return text, "stop", count
        seen.append(token)
        text += WORDS[token]
        for stop in stops:
            if stop in text:
                return text[: text.index(stop)], "stop", count
    return text, "length", count


class FaultServer:
    """A server in a thread.

    Args:
        flavour: llama.cpp, vllm or openai: how it describes itself, and what it knows.
        ignores: parameters that it drops, by the names of its requests.
        faults: what the first completions get instead of an answer, one each: an HTTP status, or
            cut (the connection is), html, json (no completion), slow (byte by byte).
        dies_after: completions after which it answers nothing any more.
        chats_only: it has no completions endpoint.
        key: what a client must send.
    """

    def __init__(
        self,
        flavour: str = "llama.cpp",
        ignores: Iterable[str] = (),
        faults: Iterable[int | str] = (),
        models: Sequence[str] = ("toy",),
        dies_after: int | None = None,
        chats_only: bool = False,
        key: str | None = None,
        retry_after: str | None = None,
        page: str | None = None,
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._at_once, self._lock = 0, threading.Lock()
        self._faults, self._answered = list(faults), 0
        outer = self
        owner = {"vllm": "vllm", "llama.cpp": "llamacpp"}.get(flavour, "someone")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None: ...

            def reply(self, status: int, content: object, kind: str = "application/json") -> None:
                data = (
                    content.encode() if isinstance(content, str) else json.dumps(content).encode()
                )
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                if status == 429 and retry_after:
                    self.send_header("Retry-After", retry_after)
                self.end_headers()
                self.wfile.write(data)

            def allowed(self) -> bool:
                if key is None or self.headers.get("Authorization") == f"Bearer {key}":
                    return True
                shown = self.headers.get("Authorization")
                self.reply(401, {"error": {"message": f"wrong key {shown}"}})
                return False

            def do_GET(self) -> None:
                if page is not None:
                    self.reply(200, page, "text/html")
                elif not self.allowed():
                    pass
                elif self.path == "/v1/models":
                    data = [{"id": m, "owned_by": owner, "max_model_len": 512} for m in models]
                    self.reply(200, {"data": data})
                elif self.path == "/props" and flavour == "llama.cpp":
                    self.reply(200, {"default_generation_settings": {}})
                else:
                    self.reply(404, {"error": "not found"})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if not self.allowed():
                    return
                body = json.loads(raw)
                if self.path != "/v1/completions" or chats_only:
                    self.reply(404, {"error": "not found"})
                elif not isinstance(body["prompt"], str):
                    self.reply(400, {"error": {"message": "prompt must be a string"}})
                else:
                    with outer._lock:
                        outer._at_once += 1
                        outer.most_at_once = max(outer.most_at_once, outer._at_once)
                    try:
                        self.complete(body)
                    finally:
                        with outer._lock:
                            outer._at_once -= 1

            def complete(self, body: dict[str, Any]) -> None:
                with outer._lock:
                    outer.requests.append(body)
                    fault = outer._faults.pop(0) if outer._faults else None
                    dead = dies_after is not None and outer._answered >= dies_after
                    outer._answered += fault is None
                text, reason, count = generate(body, ignores)
                answer = {
                    "choices": [{"text": text, "finish_reason": reason}],
                    "usage": {
                        "prompt_tokens": len(encode(body["prompt"])),
                        "completion_tokens": count,
                    },
                }
                if flavour == "vllm":
                    found = next((s for s in body["stop"] or () if reason == "stop"), None)
                    answer["choices"][0]["stop_reason"] = found
                if dead or fault == "cut":
                    self.close_connection = True
                    self.connection.close()
                elif fault == "html":
                    self.reply(200, "<html>a proxy's page</html>", "text/html")
                elif fault == "json":
                    self.reply(200, {"choices": []})
                elif fault == "slow":
                    data = json.dumps(answer).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    for byte in data:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                elif isinstance(fault, int):
                    self.reply(fault, {"error": {"message": "a fault that was asked for"}})
                else:
                    self.reply(200, answer)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> FaultServer:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
