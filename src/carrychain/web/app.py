"""The application: pages, the guard before them, the queue behind them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Depends, FastAPI, Form, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from carrychain import __version__
from carrychain.errors import CarrychainError
from carrychain.io import Json
from carrychain.web import gradient, grading, guard, leaderboard, next_token
from carrychain.web.guard import Forbidden, Guard, Keys
from carrychain.web.jobs import Full, Job, Jobs, Missing, check_file
from carrychain.web.lanes import Lanes
from carrychain.web.pages import FOLDER, refuse, render
from carrychain.web.playground import routes as playground
from carrychain.web.settings import Settings

SWEEP_SECONDS = 0.5
log = logging.getLogger(__name__)

router = APIRouter()


def create_app(settings: Settings) -> FastAPI:
    """Return the application; its workers start and stop with it.

    Raises:
        InvalidInput: the state can't be kept in its folder.
    """
    keys = Keys(settings)
    check_file(settings)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncGenerator[None]:
        app.state.jobs = jobs = Jobs(settings)
        lanes = Lanes(jobs, settings)
        sweeper = asyncio.create_task(_sweep(jobs))
        finding_out = asyncio.create_task(grading.find_out())
        try:
            yield
        finally:
            sweeper.cancel()
            await finding_out
            await asyncio.to_thread(lanes.close)
            jobs.close()

    app = FastAPI(
        title="carrychain",
        version=__version__,
        lifespan=running,
        docs_url=None,  # their scripts come from elsewhere
        redoc_url=None,
        dependencies=[Depends(guard.check_csrf)],
    )
    app.state.settings = settings
    app.state.keys = keys
    app.include_router(router)
    app.include_router(playground.router)
    app.include_router(next_token.router)
    app.include_router(gradient.router)
    app.include_router(grading.router)
    app.include_router(leaderboard.router)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"))
    app.add_middleware(Guard, settings=settings, keys=keys)
    app.add_exception_handler(CarrychainError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_wrong_form)
    return app


async def _sweep(jobs: Jobs) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await asyncio.to_thread(jobs.sweep)
        except Exception:  # such as a full disk: the next time may do better
            log.exception("jobs that nobody looks at could not be cancelled")


# --- what belongs to no page ----------------------------------------------------------------------


@router.get("/", include_in_schema=False)
async def home(request: Request) -> Response:
    """Say what there is."""
    return render(request, "home.html")


@router.get("/static/plotly.js", include_in_schema=False)
async def plotly(request: Request) -> FileResponse:
    """Send Plotly's script, as its wheel has it."""
    spec = importlib.util.find_spec("plotly")
    assert spec is not None
    assert spec.origin is not None
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return FileResponse(
        script, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"}
    )


@router.get("/login", include_in_schema=False)
async def login_page(request: Request) -> Response:
    """Ask for the server's token."""
    if request.app.state.settings.local:
        return RedirectResponse("/", 303)
    return render(request, "login.html", error="")


@router.post("/login", include_in_schema=False)
async def login(request: Request, token: Annotated[str, Form()] = "") -> Response:
    """Let a visitor in who knows the token."""
    if not guard.is_token(token.strip(), request.app.state.settings):
        return render(request, "login.html", 403, error="That is not this server's token.")
    response = RedirectResponse("/", 303)
    access = request.app.state.keys.access(request.state.owner)
    response.headers.append("Set-Cookie", guard.set_cookie(guard.ACCESS_COOKIE, access))
    return response


@router.get("/jobs/{job_id}", response_model=None)
async def job_state(request: Request, job_id: str) -> dict[str, Json]:
    """Return how far a job is."""
    jobs = cast(Jobs, request.app.state.jobs)
    job = jobs.require(request.state.owner, job_id)
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "place": job.place,
        "events": jobs.count(job.id),
        "result": job.result,
        "error": job.error,
    }


@router.post("/jobs/{job_id}/cancel", response_model=None)
async def cancel(request: Request, job_id: str) -> dict[str, Json]:
    """End a job that waits or runs."""
    cast(Jobs, request.app.state.jobs).cancel(request.state.owner, job_id)
    return {"id": job_id}


async def the_job(request: Request, job_id: str) -> Job:
    """Return the visitor's own job that the address names."""
    return cast(Jobs, request.app.state.jobs).require(request.state.owner, job_id)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def events(
    request: Request,
    job: Annotated[Job, Depends(the_job)],
    last_event_id: Annotated[str, Header()] = "0",
) -> AsyncGenerator[ServerSentEvent]:
    """Tell what a job emits, and how it ends.

    `place` says how many are before it, `item` is an event with its number as id, and the last one
    is `done` with the result, `failed` with the error, or `cancelled`.
    """
    jobs, owner = cast(Jobs, request.app.state.jobs), cast(str, request.state.owner)
    known = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16
    after = int(last_event_id) if known else 0
    place = None
    with jobs.watching(job.id) as watcher:
        yield ServerSentEvent(comment="here", retry=1000)
        while not jobs.leaving:
            job = jobs.require(owner, job.id)
            if job.place != place and (place := job.place) is not None:
                yield _said("place", {"place": place})
            for number, event in jobs.events(job.id, after):
                after = number
                yield _said("item", event, str(number))
            match job.status:
                case "done":
                    yield _said("done", job.result)
                case "failed":
                    yield _said("failed", {"error": job.error})
                case "cancelled":
                    yield _said("cancelled", {})
                case "queued" | "running":
                    await watcher.changed()
            if job.ended:
                return


def _said(event: str, data: Json, number: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(event=event, id=number, raw_data=json.dumps(data))


# --- what goes wrong ------------------------------------------------------------------------------


async def _on_error(request: Request, error: Exception) -> Response:
    match error:
        case Missing():
            return refuse(request, 404, str(error))
        case Full():
            return refuse(request, 503, str(error), {"Retry-After": "30"})
        case Forbidden():
            return refuse(request, 403, str(error))
        case _:
            return refuse(request, 422, str(error))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = {
        404: "there is no such page here; the menu has those that there are",
        405: "this address does not take such a request",
    }.get(error.status_code, error.detail)
    return refuse(request, error.status_code, sentence, dict(error.headers or {}))


async def _on_wrong_form(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return refuse(request, 422, f"{where}: {first['msg']}")
