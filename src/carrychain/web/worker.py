"""The processes that work: one a lane, with the model in it, whose crash takes no page along."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Literal, cast

from carrychain.errors import CarrychainError
from carrychain.io import Json

Lane = Literal["short", "file", "long"]
"""Answers that a page waits for; submissions that it reads, which may be slow; runs and grades."""
Emit = Callable[[Json], None]
Work = Callable[[dict[str, Json], Emit, Sequence[Json]], Json]

WORK: dict[str, tuple[Lane, str]] = {
    "evaluate": ("long", "carrychain.web.playground.work:evaluate"),
    "tokens": ("short", "carrychain.web.playground.work:tokens"),
    "read-submission": ("file", "carrychain.web.playground.submission:read"),
    "gradient-frame": ("short", "carrychain.web.gradient_work:one"),
    "gradient-frames": ("long", "carrychain.web.gradient_work:frames"),
    "gradient-file": ("short", "carrychain.web.gradient_work:file"),
    "grade": ("long", "carrychain.web.grading_work:grade"),
    "next-token-logits": ("short", "carrychain.web.next_token_work:logits"),
    "next-token-table": ("short", "carrychain.web.next_token_work:table"),
}
"""Every kind of job: its lane, and its function as "module:name"."""

CANCEL = "cancel"
UNEXPECTED = "something failed here that should not; the server's own output says what"

log = logging.getLogger(__name__)


class Cancelled(BaseException):
    """Whoever asked for a job no longer wants it. No `except Exception` holds it up."""


def main(
    connection: Connection, model: str | None, kinds: Mapping[str, tuple[Lane, str]], scratch: str
) -> None:
    """Do one job after the other until the server hangs up.

    Args:
        connection: brings (kind, request, earlier events); takes back ("item", event) and at last
            ("done", result), ("failed", sentence) or ("cancelled", ""); events and results as JSON.
        model: loaded beforehand, for the first job not to wait; None for none.
        kinds: `WORK`, as the server knows it.
        scratch: folder of all temporary files, which the server removes.
    """
    tempfile.tempdir = scratch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which then hangs up
    threading.Thread(target=_end_with_the_server, args=(scratch,), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        if model is not None:
            _warm_up(model)
        while True:
            kind, request, earlier = connection.recv()
            if kind != CANCEL:  # a word that came when its job had ended
                connection.send(_do(connection, kinds[kind][1], request, earlier))


def _end_with_the_server(scratch: str) -> None:
    """End this process when the server is gone, even one that could say nothing."""
    server = multiprocessing.parent_process()
    assert server is not None
    server.join()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _warm_up(model: str) -> None:
    from carrychain import engines

    with contextlib.suppress(CarrychainError):  # said once more, to whoever asks for the model
        engines.load(model, offline=True)


def _do(
    connection: Connection, function: str, request: dict[str, Json], earlier: Sequence[Json]
) -> tuple[str, str]:
    def emit(event: Json) -> None:
        if connection.poll() and connection.recv()[0] == CANCEL:
            raise Cancelled
        connection.send(("item", json.dumps(event, allow_nan=False)))

    try:
        return "done", json.dumps(_named(function)(request, emit, earlier), allow_nan=False)
    except Cancelled:
        return "cancelled", ""
    except CarrychainError as error:
        return "failed", str(error)
    except Exception:  # a defect in one job must not end the process that does them all
        log.exception("%s failed", function)
        return "failed", UNEXPECTED


def _named(function: str) -> Work:
    module, _, name = function.partition(":")
    return cast(Work, getattr(importlib.import_module(module), name))
