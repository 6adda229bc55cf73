"""Real servers in processes of their own, and the models that they serve."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from carrychain.engines import smollm2


class Server:
    """A command that serves on a port of loopback until it is stopped."""

    def __init__(self, command: Sequence[str], ready: str, log: Path) -> None:
        self._command, self._ready, self._log = [*command], ready, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start the command and wait until it answers."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command, "--port", str(self.port)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(self.url.removesuffix("/v1") + self._ready).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        self.stop()
        pytest.fail(f"{self._command[0]} did not start:\n{self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def gguf() -> Path:
    assert smollm2.is_fetched(), "fetch it first: carrychain models fetch smollm2"
    return smollm2.gguf_file()


@pytest.fixture(scope="session")
def generating(gguf: Path) -> None:
    """Skip where llama.cpp, as it was compiled here, does not survive its first token."""
    ask = "import sys, llama_cpp; llama_cpp.Llama(sys.argv[1], verbose=False)('1+1=', max_tokens=2)"
    done = subprocess.run([sys.executable, "-c", ask, str(gguf)], capture_output=True, check=False)
    if done.returncode < 0:
        pytest.skip(f"llama.cpp as compiled here dies of signal {-done.returncode}")


@pytest.fixture
def llama_cpp(gguf: Path, generating: None, tmp_path: Path) -> Iterator[Server]:
    options = ["--model", str(gguf), "--model_alias", "smollm2", "--n_ctx", "1024"]
    server = Server(
        ["llama_cpp.server", *options, "--verbose", "False"], "/v1/models", tmp_path / "log"
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def transformers_serve(tmp_path: Path) -> Iterator[Server]:
    from carrychain.engines.registry import mini_weights

    options = ["serve", str(mini_weights()), "--device", "cpu", "--dtype", "float32"]
    options += ["--host", "127.0.0.1"]
    server = Server(["transformers.cli.transformers", *options], "/health", tmp_path / "log")
    server.start()
    yield server
    server.stop()
