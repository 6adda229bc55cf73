"""A server for tests, in a process of its own: `python lab.py SETTINGS SOCKET`.

It has the pages of `carrychain serve`, and under /rehearse jobs whose course a test decides.
SETTINGS is JSON: fields of `Settings`, and `headers`, the seconds that headers may take.
"""

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.web.worker import WORK

# A worker process imports this file as its main module, and so finds them.
for name in ("count", "pid", "refuse", "fail"):
    WORK[name] = ("long", f"__mp_main__:{name}")
WORK["quick"] = ("short", "__mp_main__:count")


def count(request, emit, earlier):
    """Emit 1 to `n`; the numbers above `free` wait until the file `gate` exists."""
    for number in range(len(earlier) + 1, request["n"] + 1):
        while number > request.get("free", number) and not Path(request["gate"]).exists():
            time.sleep(0.01)
        time.sleep(request.get("pace", 0))
        emit({"number": number})
    return {"n": request["n"], "earlier": len(earlier)}


def pid(request, emit, earlier):
    """Emit the worker's process id, then go on until cancelled or killed."""
    emit(os.getpid())
    while True:
        time.sleep(0.01)
        emit(None)


def refuse(request, emit, earlier):
    """Do as work does that can't be done as asked."""
    raise InvalidInput("n is 0; ask for 1 or more")


def fail(request, emit, earlier):
    """Do as work does that has a defect."""
    raise ZeroDivisionError(f"private: {__file__}")


def main():
    """Serve until stopped."""
    from fastapi import Request

    from carrychain.web import app, server
    from carrychain.web.settings import Settings

    @app.router.post("/rehearse/{kind}", include_in_schema=False)
    async def rehearse(request: Request, kind: str) -> dict[str, str]:
        jobs, owner = request.app.state.jobs, request.state.owner
        return {"id": jobs.submit(owner, kind, await request.json()).id}

    @app.router.get("/failing", include_in_schema=False)
    async def failing() -> None:
        raise ZeroDivisionError(f"private: {__file__}")

    given = json.loads(sys.argv[1])
    server.HEADERS_SECONDS = given.pop("headers", server.HEADERS_SECONDS)
    kinds = {"state": Path, "class_folder": Path, "models": tuple, "hosts": frozenset}
    for name, kind in kinds.items():
        if name in given:
            given[name] = kind(given[name])
    listening = socket.socket(fileno=int(sys.argv[2]))
    try:
        with listening, contextlib.suppress(KeyboardInterrupt):
            server.serve(Settings(**given), listening, lambda: None)
    except CarrychainError as error:  # as the command says it
        sys.exit(str(error))


if __name__ == "__main__":
    main()
