"""The playground: a prompt, or two side by side, run on sums while the page watches."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from carrychain.addition.extraction import EXTRACTIONS
from carrychain.addition.prompts import PRE_PROCESSING, SHIPPED, shipped
from carrychain.addition.results import Evaluation
from carrychain.errors import InvalidInput
from carrychain.io import Json, csv_text
from carrychain.web.jobs import Job, Jobs, Missing, NotDone
from carrychain.web.pages import render, wants_json
from carrychain.web.playground.asked import (
    LEAST,
    MOST,
    MOST_SEED,
    SIDES,
    Asked,
    Fields,
    Side,
    asked,
    check_names,
    default,
    fields_of,
)
from carrychain.web.playground.submission import write
from carrychain.web.playground.work import row_of
from carrychain.web.settings import Settings

Letter = Literal["a", "b"]

RUN = "evaluate"
TOKENS = "tokens"
READ = "read-submission"
"""Kinds of jobs."""

PRE_WORDS = {
    "none": "as it is: 12+34",
    "spaced": "digits apart: 1 2 + 3 4",
    "commas": "thousands parted: 1,234+5,678",
    "reversed": "last digit first: 21+43",
    "padded": "eight digits: 00000012+00000034",
}
ENDINGS = {
    "stop": "A stop string ended the output; it is not part of it, but its tokens are shown.",
    "length": "The output ended at max_tokens.",
    "eos": "The model ended the text; that token is shown last and is not part of the output.",
}
"""Why an output ended, beside its tokens."""

router = APIRouter()


# --- the form -------------------------------------------------------------------------------------


def _described(required: bool) -> dict[str, Any]:
    """Return the fields of a form as a schema."""
    names = [*_all_fields(), *(("csrf", "do", "source") if required else ("run",))]
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


def _all_fields() -> list[str]:
    return list(default(("mini",)).as_fields())


_QUERY = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in _described(required=False)["properties"].items()
    ]
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": _described(required=True)}
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data")
        },
    }
}


@router.get("/playground", response_class=HTMLResponse, openapi_extra=_QUERY)
def playground_page(request: Request) -> HTMLResponse:
    """Show the form, filled in as a link says; `run` has a script run it at once."""
    given = dict(request.query_params)
    wants_run = given.pop("run", "") != ""
    try:
        check_names(given)
        now = asked(given, _settings(request).models)
    except InvalidInput as error:
        return _page(request, _overlaid(request, given), error=str(error), status=422)
    return _page(request, now.as_fields(), run_at_once=wants_run)


@router.post("/playground", response_class=HTMLResponse, openapi_extra=_BODY)
async def playground_form(request: Request) -> Response:
    """Do what the button `do` says with the form.

    `run` starts a run; `fill_a` and `fill_b` fill in the shipped prompt that is chosen; `load_a`
    and `load_b` fill in a submission, uploaded or pasted. A script is answered with JSON.
    """
    async with request.form() as form:
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("submission")
        content = await file.read() if isinstance(file, UploadFile) else b""
    given.pop("csrf", None)
    pasted = given.pop("source", "").encode(errors="replace")
    do = given.pop("do", "run")
    notes: list[str] = []
    try:
        check_names(given)
        match do.partition("_"):
            case ("run", "", ""):
                return _started(request, asked(given, _settings(request).models))
            case ("fill", _, "a" | "b" as letter):
                named = shipped(given.get(f"{SIDES[letter]}prompt", ""))
                filled = fields_of(Side.shipped(named), letter)
                notes = [f"Prompt {letter.upper()} is now {named.name}: {named.idea}"]
            case ("load", _, "a" | "b" as letter):
                filled, notes = await _loaded(request, letter, content or pasted)
            case _:
                raise InvalidInput(f"there is no button {do[:40]!r} here; load the page again")
    except (InvalidInput, NotDone) as error:
        if wants_json(request):
            raise
        return _page(request, _overlaid(request, given), error=str(error), status=422)
    if wants_json(request):
        return JSONResponse({"fields": filled, "notes": notes})
    return _page(request, {**_overlaid(request, given), **filled}, notes=notes)


def _started(request: Request, now: Asked) -> Response:
    """Start a run and tell its address."""
    job = _jobs(request).submit(request.state.owner, RUN, now.as_dict())
    if wants_json(request):
        return JSONResponse({"id": job.id, "link": now.link(_settings(request).models)}, 202)
    return RedirectResponse(f"/playground/runs/{job.id}", 303)


async def _loaded(
    request: Request, letter: str, content: bytes
) -> tuple[dict[str, str], list[str]]:
    """Have a worker read a submission; return the fields that it fills in, and what to say."""
    if not content:
        raise InvalidInput("choose a submission.py, or paste one")
    order: dict[str, Json] = {
        "content": b64encode(content).decode(),
        "side": letter,
        "full_sandbox": request.state.remote,
    }
    result = cast(dict[str, Any], await _jobs(request).answer(request.state.owner, READ, order))
    return result["fields"], result["notes"]


def _overlaid(request: Request, given: Fields) -> dict[str, str]:
    """Return the fields as they were typed, whatever that is, over the defaults."""
    return {**default(_settings(request).models).as_fields(), **given}


# --- a run ----------------------------------------------------------------------------------------


@router.get("/playground/runs/{job_id}", response_class=HTMLResponse)
def run_page(request: Request, job_id: str) -> HTMLResponse:
    """Show a run as far as it is; without a script, the page loads itself anew until it ends."""
    job = _run(request, job_id)
    events = [cast(Mapping[str, Any], each) for _, each in _jobs(request).events(job.id)]
    now = Asked.from_dict(job.request)
    return _page(
        request,
        now.as_fields(),
        job=job,
        title=_title(events, now.model),
        rows=_by_problem(events),
        so_far={
            letter: next((e["so_far"] for e in reversed(events) if e.get("side") == letter), None)
            for letter in now.sides
        },
        link=now.link(_settings(request).models),
    )


@router.post("/playground/runs/{job_id}/cancel", response_class=RedirectResponse, status_code=303)
def cancel_run(request: Request, job_id: str) -> Response:
    """End a run; its rows stay."""
    _jobs(request).cancel(request.state.owner, _run(request, job_id).id)
    return RedirectResponse(f"/playground/runs/{job_id}", 303)


@router.get("/playground/runs/{job_id}/tokens", response_class=HTMLResponse)
async def row_tokens(request: Request, job_id: str, row: str) -> Response:
    """Show the tokens of a row's output, each with its probability and the likeliest others.

    Args:
        request: what asks.
        job_id: the run.
        row: the prompt's letter and the problem's number from 1, as in a3.
    """
    jobs, job = _jobs(request), _run(request, job_id)
    now = Asked.from_dict(job.request)
    letter, event = _event(row, jobs.events(job.id), now)
    if event["ids"] is None:
        raise InvalidInput("the model of this run does not tell its tokens' probabilities")
    side = now.sides[letter]
    found = row_of(event, side)
    order: dict[str, Json] = {
        "model": now.model,
        "prompt": found.prompt,
        "ids": event["ids"],
        "sampling": side.as_dict()["sampling"],
    }
    written = cast(list[Any], await jobs.answer(request.state.owner, TOKENS, order))
    ending = ENDINGS[str(found.finish_reason)]
    next_token = _next_token_link(now.model, found.prompt, side)
    if wants_json(request):
        return JSONResponse({"tokens": written, "ending": ending, "next_token": next_token})
    return render(
        request,
        "playground_tokens.html",
        job=job,
        letter=letter,
        compared=now.b is not None,
        row=found,
        tokens=written,
        ending=ending,
        next_token=next_token,
    )


@router.get("/playground/runs/{job_id}/{letter}/evaluation.json")
def download_json(request: Request, job_id: str, letter: Letter) -> Response:
    """Give an evaluation as `carrychain evaluate --json` writes it."""
    data = _evaluation(request, job_id, letter).as_dict()
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return _file(text, "application/json", "evaluation", letter, "json")


@router.get("/playground/runs/{job_id}/{letter}/rows.csv")
def download_csv(request: Request, job_id: str, letter: Letter) -> Response:
    """Give the rows as `carrychain evaluate --csv` writes them."""
    rows = [row.as_dict() for row in _evaluation(request, job_id, letter).rows]
    return _file(csv_text(rows), "text/csv", "rows", letter, "csv")


@router.get("/playground/runs/{job_id}/{letter}/submission.py")
def download_submission(
    request: Request, job_id: str, letter: Letter, net_id: str = ""
) -> Response:
    """Give the prompt, its parameters and how it is read as a submission."""
    now = Asked.from_dict(_run(request, job_id).request)
    return _file(write(_side(now, letter), net_id), "text/x-python", "submission", letter, "py")


def _file(text: str, kind: str, name: str, letter: str, suffix: str) -> Response:
    named = f"{name}.{suffix}" if letter == "a" else f"{name}-{letter}.{suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{named}"'}
    content = text.encode("utf-8", "backslashreplace")
    return Response(content, media_type=kind, headers=headers)


def _evaluation(request: Request, job_id: str, letter: str) -> Evaluation:
    """Return a finished evaluation, put together from the job's result and its events."""
    jobs, job = _jobs(request), _run(request, job_id)
    side = _side(Asked.from_dict(job.request), letter)
    if job.status != "done":
        raise Missing("this run has no result to download; it is not finished")
    whole = cast(dict[str, Any], job.result)["sides"][letter]["evaluation"]
    events = [cast(Mapping[str, Any], each) for _, each in jobs.events(job.id)]
    rows = [row_of(each, side) for each in events if each.get("side") == letter]
    rows.sort(key=lambda row: row.index)
    return Evaluation.from_dict({**whole, "rows": [row.as_dict() for row in rows]})


def _side(now: Asked, letter: str) -> Side:
    if letter not in now.sides:
        raise Missing("this run has one prompt, A")
    return now.sides[letter]


def _event(row: str, events: list[tuple[int, Json]], now: Asked) -> tuple[str, Mapping[str, Any]]:
    """Return the prompt's letter and the event of a row such as a3."""
    letter, problem = row[:1], row[1:]
    if letter in now.sides:
        for _, each in events:
            event = cast(Mapping[str, Any], each)
            if event.get("side") == letter and str(event["row"]["index"] + 1) == problem:
                return letter, event
    raise Missing(f"this run has no row {row[:40]!r}; a row is named as in a3")


def _by_problem(events: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a line of the table for each problem that has an answer, in their order."""
    lines: dict[int, dict[str, Any]] = {}
    for event in events:
        if "row" in event:
            line = lines.setdefault(event["row"]["index"], {"problem": event["row"]})
            line[event["side"]] = event
    return [lines[index] for index in sorted(lines)]


def _next_token_link(model: str, prompt: str, side: Side) -> str:
    fields = side.as_fields()
    names = ("temperature", "top_k", "top_p", "repetition_penalty")
    query = {"model": model, "prompt": prompt, **{name: fields[name] for name in names}}
    return f"/next-token?{urlencode(query)}"


# --- what several share ---------------------------------------------------------------------------


def _page(
    request: Request,
    fields: Fields,
    *,
    status: int = 200,
    error: str = "",
    notes: list[str] | None = None,
    run_at_once: bool = False,
    job: Job | None = None,
    title: str = "",
    rows: list[dict[str, Any]] | None = None,
    so_far: Mapping[str, Any] | None = None,
    link: str | None = None,
) -> HTMLResponse:
    """Render the form, with a run below it where there is one."""
    compared = bool(fields["compare"])
    return render(
        request,
        "playground.html",
        status,
        fields=fields,
        error=error,
        notes=notes or [],
        run_at_once=run_at_once,
        job=job,
        ended=job is not None and job.ended,
        title=title,
        rows=rows or [],
        so_far=so_far or {},
        result=job.result if job else None,
        link=link,
        letters=["a", "b"] if job and compared else ["a"],
        sides=SIDES,
        ideas={name: each.idea for name, each in SHIPPED.items()},
        pre_processing={name: PRE_WORDS[name] for name in PRE_PROCESSING},
        extractions={name: each.description for name, each in EXTRACTIONS.items()},
        least=LEAST,
        most=MOST,
        most_seed=MOST_SEED,
    )


def _title(events: list[Mapping[str, Any]], model: str) -> str:
    """Return what the model is called; its name until the worker has said more."""
    return str(events[0]["model"]["title"]) if events else model


def _run(request: Request, job_id: str) -> Job:
    job = _jobs(request).require(request.state.owner, job_id)
    if job.kind != RUN:
        raise Missing("there is no such run here")
    return job


def _jobs(request: Request) -> Jobs:
    return cast(Jobs, request.app.state.jobs)


def _settings(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)
