"""What stands before every page: who may ask, how, how much and how often.

- A request must call the server by one of its own names, or a foreign page could have its name
  resolve to this machine and read what it likes (DNS rebinding).
- A request that changes something must come from one of our own pages: its Origin is ours, and it
  has the token that belongs to the visitor's cookie.
- Where more than this machine is served, a visitor must know the server's token.
- No request may be larger than `Settings.upload`, slower than `Settings.body` or more frequent than
  `Settings.posts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import cast
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carrychain.errors import CarrychainError
from carrychain.io import write_bytes
from carrychain.web.pages import refuse
from carrychain.web.settings import Settings
from carrychain.web.worker import UNEXPECTED

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with less, a form's Origin is "null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
log = logging.getLogger(__name__)

OWNER_COOKIE = "carrychain"
ACCESS_COOKIE = "carrychain_access"
COOKIE_SECONDS = 30 * 86_400
SAFE = ("GET", "HEAD", "OPTIONS")
OPEN_PATHS = ("/login", "/static/")
"""What a visitor sees who has not given the token."""

LOGINS = 60
"""Tokens that may be tried a minute from one address."""


class Forbidden(CarrychainError):
    """A request that changes something and did not come from one of our own pages."""


class Keys:
    """What the server signs with: it survives a restart, so that cookies do.

    Args:
        settings: the secret is a file in the folder `state`, readable by its owner only.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.state / "secret"
        if not path.is_file():
            settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_bytes(path, secrets.token_bytes(32))
            path.chmod(0o600)
        self._secret = path.read_bytes()
        self._token = settings.token

    def sign(self, purpose: str, value: str) -> str:
        """Return what only this server can say of a value."""
        return hmac.new(self._secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()

    def owner_of(self, cookie: str | None) -> str | None:
        """Return whom a cookie names, None where it is not one of ours."""
        owner, _, signature = (cookie or "").partition(".")
        return owner if _equal(signature, self.sign("owner", owner)) else None

    def access(self, owner: str) -> str:
        """Return the cookie of a visitor who gave the token; another token makes it void."""
        return self.sign("access", f"{owner}\0{self._token}")

    def csrf(self, owner: str) -> str:
        """Return what a visitor's forms carry."""
        return self.sign("csrf", owner)


def is_token(given: str, settings: Settings) -> bool:
    """Return whether it is the server's token, in the same time for every wrong one."""
    return settings.token is not None and _equal(given, settings.token)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


class Rate:
    """How many requests each address made in the minute that runs.

    Args:
        most: requests a minute.
    """

    ADDRESSES = 10_000

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Count a request; return 0, or the seconds until another is allowed."""
        now = time.monotonic()
        minute = int(now // 60)
        began, made = self._made.pop(address, (minute, 0))
        made = made + 1 if began == minute else 1
        self._made[address] = (minute, made)
        if len(self._made) > self.ADDRESSES:
            self._made.popitem(last=False)
        return 0 if made <= self._most else 60 - int(now % 60)


class Guard:
    """Middleware that refuses what must not reach a page, and sets each response's headers.

    It sets `request.state.owner` (the visitor), `request.state.csrf` (what their forms carry) and
    `request.state.remote` (whether they may sit at another machine).
    """

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys) -> None:
        self._app = app
        self._settings = settings
        self._keys = keys
        self._rate = Rate(settings.posts)
        self._logins = Rate(LOGINS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookies = _cookies(headers)
        known = self._keys.owner_of(cookies.get(OWNER_COOKIE))
        owner = known or secrets.token_hex(16)
        state = scope.setdefault("state", {})
        state["owner"], state["csrf"] = owner, self._keys.csrf(owner)
        state["remote"] = not self._settings.local or not _is_loopback(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    out[name] = value
                static = scope["path"].startswith("/static/")
                if "cache-control" not in out:
                    out["Cache-Control"] = "no-cache" if static else "no-store"
                if known is None and not static:
                    cookie = f"{owner}.{self._keys.sign('owner', owner)}"
                    out.append("Set-Cookie", set_cookie(OWNER_COOKIE, cookie))
            await send(message)

        refused = self._refusal(scope, headers, cookies, known)
        if refused is not None:
            await _answer(refused, headers, _Lingering(receive, headers).sending(send_guarded))
            return
        limited = _Limited(receive, headers, self._settings)
        try:
            await self._app(scope, limited.receive, limited.sending(send_guarded))
        except _Stopped as stopped:
            if not limited.answering:
                await _answer(stopped.refusal, headers, limited.sending(send_guarded))
        except Exception:  # a page's defect; outside the guard its answer would lack the headers
            if limited.answering:
                raise
            log.exception("a page failed")
            sorry = refuse(Request(scope), 500, UNEXPECTED)
            await sorry(scope, receive, send_guarded)

    def _refusal(
        self, scope: Scope, headers: Headers, cookies: dict[str, str], known: str | None
    ) -> _Refusal | None:
        settings, path = self._settings, cast(str, scope["path"])
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or host_name(host) not in settings.hosts:
            return _Refusal(400, "this server does not go by the name that the request gives")
        if settings.token is not None and not path.startswith(OPEN_PATHS):
            granted = known is not None and _equal(
                cookies.get(ACCESS_COOKIE, ""), self._keys.access(known)
            )
            if not granted:
                if scope["method"] in SAFE and "text/html" in headers.get("accept", ""):
                    return _Refusal(303, "log in first", {"Location": "/login"})
                return _Refusal(401, "the server's token is needed; open /login and give it")
        if scope["method"] in SAFE:
            return None
        if not _is_own(headers, host, scope["scheme"]):
            return _Refusal(403, "the request comes from another site's page; open ours instead")
        # Whoever gave the token counts for one, for a class may share an address.
        visitor = known if settings.token is not None and known and path != "/login" else None
        rate = self._logins if path == "/login" else self._rate
        if wait := rate.wait(visitor or _address(scope)):
            return _Refusal(429, f"too many requests; wait {wait} s", {"Retry-After": str(wait)})
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > settings.upload:
            return _too_large(settings)
        return None


async def check_csrf(request: Request) -> None:
    """Let a request that changes something through only with its visitor's own token.

    A form has it in the field `csrf`, a script in the header X-CSRF-Token.

    Raises:
        Forbidden: it is missing or another's.
    """
    if request.method in SAFE:
        return
    given = request.headers.get("x-csrf-token")
    if given is None:
        kind = request.headers.get("content-type", "")
        if kind.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            field = (await request.form()).get("csrf")
            given = field if isinstance(field, str) else None
    if given is None or not _equal(given, request.state.csrf):
        raise Forbidden("the form is too old, or cookies are off; load the page again and send it")


def set_cookie(name: str, value: str) -> str:
    """Return a Set-Cookie header that scripts can't read and other sites' forms can't send.

    A link on another site sends it: a run that someone shared is the visitor's own to repeat.
    """
    return f"{name}={value}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax"


def host_name(host: str) -> str:
    """Return the name in a Host header, lower case, without port and final dot."""
    if host.startswith("["):
        name, end, rest = host.partition("]")
        return f"{name}]".lower() if end and (rest == "" or _is_port(rest)) else ""
    name, colon, port = host.partition(":")
    return name.lower().removesuffix(".") if not colon or _is_port(f":{port}") else ""


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text[1:].isascii() and text[1:].isdigit()


def _is_own(headers: Headers, host: str, scheme: str) -> bool:
    """Return whether a request comes from a page of this server, or from no page at all."""
    origin = headers.get("origin")
    if origin is not None:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.netloc.lower() == host.lower() and parts.scheme in (scheme, "https")
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        found = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in found.items()}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _is_loopback(scope: Scope) -> bool:
    try:
        return ipaddress.ip_address(_address(scope)).is_loopback
    except ValueError:
        return False


class _Refusal:
    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


class _Stopped(BaseException):
    """A body is not read to its end. FastAPI makes a 400 of any Exception in a body."""

    def __init__(self, refusal: _Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


def _too_large(settings: Settings) -> _Refusal:
    return _Refusal(413, f"the request is larger than {settings.upload / 1e6:g} MB, the most")


class _Lingering:
    """A request that may be answered before all of its body has come.

    The connection then ends with the answer. To end it at once would be a reset for a client that
    still sends, and the answer be lost: some more is read and thrown away.
    """

    SECONDS = 2.0
    BYTES = 32_000_000

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        self._whole = not has_body
        self.answering = False

    def sending(self, send: Send) -> Callable[[Message], Awaitable[None]]:
        async def send_and_linger(message: Message) -> None:
            self.answering = True
            if not self._whole and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            if self._whole or message.get("more_body", False) or "body" not in message:
                await send(message)
                return
            await send({**message, "more_body": True})
            await self._drain()
            await send({"type": "http.response.body"})

        return send_and_linger

    async def _drain(self) -> None:
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.SECONDS):
                while size < self.BYTES:
                    message = await self._receive()
                    if not message.get("more_body", False):
                        return
                    size += len(message["body"])


class _Limited(_Lingering):
    """A request's body, stopped where it is too large or too slow."""

    LEAST_RATE = 20_000.0
    """Bytes a second that a body must come at, `Settings.body` seconds aside."""

    def __init__(self, receive: Receive, headers: Headers, settings: Settings) -> None:
        super().__init__(receive, headers)
        self._settings = settings
        self._size = 0
        self._began = time.monotonic()
        self._read = False

    async def receive(self) -> Message:
        if self._read:
            return await self._receive()  # what comes now is the end of the connection
        latest = self._began + self._settings.body + self._size / self.LEAST_RATE
        try:
            message = await asyncio.wait_for(self._receive(), latest - time.monotonic())
        except TimeoutError:
            raise _Stopped(_Refusal(408, "the request came too slowly; send it again")) from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._whole = self._read = not message.get("more_body", False)
            if self._size > self._settings.upload:
                raise _Stopped(_too_large(self._settings))
        return message


async def _answer(refusal: _Refusal, headers: Headers, send: Send) -> None:
    """Answer a request that reaches no page, and hang up."""
    if "application/json" in headers.get("accept", ""):
        kind, body = "application/json", json.dumps({"error": refusal.sentence})
    else:
        kind, body = "text/plain; charset=utf-8", f"carrychain: {refusal.sentence}\n"
    content = body.encode()
    fields = {
        "Content-Type": kind,
        "Content-Length": str(len(content)),
        "Connection": "close",
        **refusal.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [(n.lower().encode(), v.encode()) for n, v in fields.items()],
        }
    )
    await send({"type": "http.response.body", "body": content})
