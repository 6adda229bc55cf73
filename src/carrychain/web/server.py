"""The server behind `carrychain serve`: its address, its names, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable

import psutil
import uvicorn
from fastapi import FastAPI
from filelock import FileLock, Timeout
from uvicorn.protocols.http.h11_impl import H11Protocol

from carrychain.errors import InvalidInput
from carrychain.web.app import create_app
from carrychain.web.settings import LOOPBACK, Settings

HEADERS_SECONDS = 10.0
"""Seconds that a connection has to say what it asks for."""
CLOSING_SECONDS = 1
MOST_CONNECTIONS = 1_000


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Args:
        host: a name or an address of this machine; "0.0.0.0" or "::" for all of them.
        port: 0 for one that is free.

    Raises:
        InvalidInput: the name has no address here, or the port can't be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise InvalidInput(
            f"--host is {host!r}, which is no address of this machine; "
            "leave it out to serve this machine alone"
        ) from None
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise InvalidInput(
            f"{host}:{port} can't be served: {(error.strerror or str(error)).lower()}; "
            "leave out --port to have a free one"
        ) from None
    return listening


def is_loopback(listening: socket.socket) -> bool:
    """Return whether only this machine reaches a socket."""
    return ipaddress.ip_address(listening.getsockname()[0]).is_loopback


def address_of(listening: socket.socket) -> str:
    """Return where a browser on this machine finds a socket, as `http://127.0.0.1:8000`."""
    address, port = listening.getsockname()[:2]
    if ipaddress.ip_address(address).is_unspecified:
        address = socket.gethostname()
    return f"http://{_bracketed(address)}:{port}"


def names_of(host: str, listening: socket.socket, others: Iterable[str] = ()) -> frozenset[str]:
    """Return the names that a request may call the server.

    Args:
        host: as the user gave it.
        listening: where it listens.
        others: further names, such as that of a proxy before it.
    """
    names = set(LOOPBACK) if is_loopback(listening) else {host, socket.gethostname()}
    if ipaddress.ip_address(listening.getsockname()[0]).is_unspecified:
        names |= LOOPBACK
        for addresses in psutil.net_if_addrs().values():
            names |= {
                each.address.split("%")[0]
                for each in addresses
                if each.family in (socket.AF_INET, socket.AF_INET6)
            }
    return frozenset(_bracketed(name).lower() for name in (*names, *others))


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def serve(settings: Settings, listening: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        settings: of the application.
        listening: where it listens.
        on_start: called once pages are answered.

    Raises:
        InvalidInput: another server uses the state's folder, or it can't be written.
    """
    try:
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(settings.state / "lock", blocking=False)
        with lock:
            app = create_app(settings)
            config = uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=CLOSING_SECONDS,
            )
            with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
                _Server(app, config, on_start).run(sockets=[listening])
    except Timeout:
        raise InvalidInput(
            "another `carrychain serve` keeps its state in the same folder; "
            "use that one, or give this one a folder of its own with --state FOLDER"
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"the state can't be kept in {settings.state}: "
            f"{(error.strerror or str(error)).lower()}; give another folder with --state FOLDER"
        ) from error


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.jobs.leave()  # pages that watch a job would be waited for
        await super().shutdown(sockets)


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on a request whose headers take too long, the first or a later one."""

    _waiting: asyncio.TimerHandle | None = None

    # uvicorn narrows the argument's type in the same way; a server is given nothing but a Transport
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time that the first request has."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on once the headers are there; what comes before begins another request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEADERS_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()
