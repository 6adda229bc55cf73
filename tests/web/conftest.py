"""The lab as the tests of its pages start it: in this process, or in one of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from carrychain.web.app import create_app
from carrychain.web.settings import Settings

LAB = Path(__file__).with_name("lab.py")


def enter(client):
    """Look at a page as a browser does, and have the client send its CSRF token from then on."""
    page = client.get("/", headers={"Accept": "text/html"}, follow_redirects=True).text
    token = re.search(r'name="csrf" content="([^"]+)"', page)
    assert token, page
    client.headers["X-CSRF-Token"] = client.csrf = token[1]
    return client


@pytest.fixture(scope="session")
def app_settings(tmp_path_factory):
    """The settings of `client`'s application: this machine only, the embedded model, no class."""
    return Settings(state=tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def _entered(app_settings):
    with _client(create_app(app_settings)) as client:
        yield client


def _client(app):
    return TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 50000))


@pytest.fixture(scope="session")
def visitor(_entered):
    """`visitor()` is a browser of its own, with its cookie and its CSRF token, on one application.

    Its worker processes run. `.csrf` is what its forms carry; a header has it already.
    """

    def new():
        client = _client(_entered.app)
        client.portal = _entered.portal  # all requests in the event loop where the queue is
        return enter(client)

    return new


@pytest.fixture
def client(visitor):
    """A browser that nobody used before; see `visitor`."""
    return visitor()


@dataclass
class Server:
    """A lab in a process of its own.

    Args:
        url: its address, without a slash at the end.
        process: the server; its workers are its children.
        state: its state folder.
        log: the file that it writes to.
    """

    url: str
    process: subprocess.Popen
    state: Path
    log: Path
    _visitors: list[httpx.Client] = field(default_factory=list)

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def visitor(self, **options):
        """Return a browser of its own: cookies kept, the CSRF token sent."""
        client = httpx.Client(base_url=self.url, timeout=20, **options)
        self._visitors.append(client)
        return enter(client)

    def close_visitors(self):
        """Hang up every connection that a visitor keeps open."""
        for client in self._visitors:
            client.close()

    def stop(self, how=signal.SIGINT):
        """End it as Ctrl-C does, or as told; return its exit status."""
        self.close_visitors()
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def start_server():
    """`start_server(state, **settings)` starts a real server and waits until it answers."""
    servers = []

    def start(state, **settings):
        with socket.create_server(("127.0.0.1", 0)) as bound:  # a port that is free for sure
            port = bound.getsockname()[1]
            log = Path(f"{state}-{port}.log")
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        LAB,
                        json.dumps({"state": str(state)} | settings, default=str),
                        str(bound.fileno()),
                    ],
                    stdout=output,
                    stderr=output,
                    pass_fds=[bound.fileno()],
                )
        server = Server(f"http://127.0.0.1:{port}", process, Path(state), log)
        servers.append(server)
        try:
            httpx.get(server.url + "/static/page.css", timeout=60).raise_for_status()
        except httpx.HTTPError:
            process.wait(timeout=30)
            pytest.fail(f"the server did not start:\n{log.read_text()}")
        return server

    yield start
    running = [server for server in servers if server.process.poll() is None]
    for server in running:
        server.close_visitors()
        server.process.send_signal(signal.SIGINT)
    for server in running:  # they end at the same time
        server.process.wait(timeout=30)
