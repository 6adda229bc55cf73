"""Grade: submissions are uploaded, graded in the sandbox of a worker, and the grade explained."""

from __future__ import annotations

import contextlib
import functools
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Annotated, Literal, cast

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import TypeAdapter, ValidationError

from carrychain.assignment.visible import visible
from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading.findings import Finding
from carrychain.grading.grader import Grade
from carrychain.grading.rubric import load_rubric
from carrychain.io import Json
from carrychain.sandbox import Tier, explain
from carrychain.sandbox.tiers import reached
from carrychain.web.grading_work import SEED, Order, Upload
from carrychain.web.jobs import Job, Jobs
from carrychain.web.pages import render
from carrychain.web.settings import Settings

MOST = 20
"""Submissions that one upload may hold; a whole class is `carrychain grade`'s."""

PASTED = "pasted source"
LONGEST_NAME = 80

REFUSED = (
    "Uploads from other machines are refused: the sandbox of this server is not complete (it "
    "reaches the tier {tier} of {full}), and a submission is a stranger's program. Run "
    "`carrychain grade submission.py` on your own machine; whoever runs this server finds what is "
    "missing with `carrychain grade --explain-sandbox`."
)

router = APIRouter()


@functools.cache
def sandbox_tier() -> Tier:
    """Return how far a submission is kept in on this machine, found out once by trying."""
    return reached(explain())


async def find_out() -> None:
    """Find the tier out before anybody asks: trying takes most of a second."""
    with contextlib.suppress(CarrychainError):  # said once more, to whoever asks
        await run_in_threadpool(sandbox_tier)


@router.get("/grade", response_class=HTMLResponse)
def grade_page(request: Request) -> Response:
    """Show the form for uploads."""
    return _form(request)


@router.post("/grade", response_class=RedirectResponse, status_code=303)
async def upload(
    request: Request,
    files: Annotated[list[UploadFile] | None, File()] = None,
    source: Annotated[str, Form()] = "",
    model: Annotated[str, Form()] = "",
) -> Response:
    """Have submissions graded: files, a pasted source, or both."""
    tier = await run_in_threadpool(sandbox_tier)
    remote = cast(bool, request.state.remote)
    if remote and tier < max(Tier):
        return await run_in_threadpool(_form, request, 403)
    try:
        order = Order(
            model=_known(model, request.app.state.settings),
            uploads=await _uploads(files or [], source),
            full_sandbox=remote,
        )
    except InvalidInput as error:
        return await run_in_threadpool(_form, request, 422, str(error), source, model)
    jobs = cast(Jobs, request.app.state.jobs)
    job = jobs.submit(request.state.owner, "grade", order.model_dump())
    return RedirectResponse(f"/grade/jobs/{job.id}", 303)


@router.get("/grade/jobs/{job_id}", response_class=HTMLResponse)
def grade_job(request: Request, job_id: str) -> Response:
    """Show what is found of an upload, as far as it is."""
    jobs = cast(Jobs, request.app.state.jobs)
    job = jobs.require(request.state.owner, job_id)
    submissions = _submissions(job, jobs.events(job.id))
    return render(
        request,
        "grade_job.html",
        job=job,
        submissions=submissions,
        progress=_progress(job, submissions),
        seed=SEED,
    )


@router.post("/grade/jobs/{job_id}/cancel", response_class=RedirectResponse, status_code=303)
def cancel(request: Request, job_id: str) -> Response:
    """End the grading of an upload; what is graded stays."""
    cast(Jobs, request.app.state.jobs).cancel(request.state.owner, job_id)
    return RedirectResponse(f"/grade/jobs/{job_id}", 303)


def _form(
    request: Request, status: int = 200, error: str = "", source: str = "", model: str = ""
) -> Response:
    settings = cast(Settings, request.app.state.settings)
    tier = sandbox_tier()
    refused = request.state.remote and tier < max(Tier)
    return render(
        request,
        "grade.html",
        status,
        error=error,
        source=source,
        model=model if model in settings.models else _usual(settings),
        refused=REFUSED.format(tier=tier, full=max(Tier)) if refused else "",
        tier=tier,
        complete=tier == max(Tier),
        most=MOST,
        seed=SEED,
    )


def _usual(settings: Settings) -> str:
    """Return the rubric's model where it is offered, else the first."""
    wanted = load_rubric().model
    return wanted if wanted in settings.models else settings.models[0]


def _known(model: str, settings: Settings) -> str:
    if model and model not in settings.models:
        offered = ", ".join(settings.models)
        raise InvalidInput(f"there is no model {visible(model)} here; choose one of {offered}")
    return model or _usual(settings)


async def _uploads(files: Sequence[UploadFile], source: str) -> tuple[Upload, ...]:
    """Return what was sent; nothing of it is looked into here."""
    sent = [file for file in files if file.filename or file.size]
    uploads = [
        Upload(
            name=_shown_name(file.filename or ""),
            suffix=_suffix(file.filename or ""),
            content=b64encode(await file.read()).decode(),
        )
        for file in sent[: MOST + 1]
    ]
    if source.strip():
        text = source.replace("\r\n", "\n")  # a form's line ends are not the author's
        content = b64encode(text.encode()).decode()
        uploads.append(Upload(name=PASTED, suffix=".py", content=content))
    if not uploads:
        raise InvalidInput("there is nothing to grade: choose a file, or paste a source")
    if len(uploads) > MOST:
        raise InvalidInput(
            f"there are more than {MOST} submissions; send fewer at once, or grade a class with "
            "`carrychain grade FOLDER`"
        )
    return tuple(uploads)


def _suffix(filename: str) -> Literal[".py", ".zip"]:
    match PurePath(filename).suffix:
        case (".py" | ".zip") as suffix:
            return suffix
        case _:
            raise InvalidInput(
                f"{_shown_name(filename)} is no submission: give a .py file, or a .zip that holds "
                "submission.py and perhaps prompt.txt"
            )


def _shown_name(filename: str) -> str:
    name = visible(filename) or "a file without a name"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


@dataclass(slots=True)
class Submission:
    """What is known of one submission.

    Args:
        name: what a person calls it.
        step: `waiting`, or the last step that the worker told of it.
        checks: what is wrong with the file, before a model is asked.
        answers: how many the model gave so far.
        grade: its grade, None as long as there is none.
        problem: why it is not graded; empty if it is, or is yet to be.
    """

    name: str
    step: str = "waiting"
    checks: list[Finding] = field(default_factory=list[Finding])
    answers: int = 0
    grade: Grade | None = None
    problem: str = ""

    @property
    def later(self) -> list[Finding]:
        """What went wrong beside the checks, while it was graded."""
        return [f for f in self.grade.findings if f not in self.checks] if self.grade else []


_FINDINGS = TypeAdapter(list[Finding])
_GRADE = TypeAdapter(Grade)


def _submissions(job: Job, events: Sequence[tuple[int, Json]]) -> list[Submission]:
    """Return the submissions of a job as its events leave them.

    Raises:
        InvalidInput: they are another version's.
    """
    try:
        submissions = [Submission(each.name) for each in Order.model_validate(job.request).uploads]
        for _, event in events:
            said = cast(dict[str, Json], event)
            submission = submissions[cast(int, said["submission"])]
            submission.step = cast(str, said["step"])
            match submission.step:
                case "checked":
                    submission.checks = _FINDINGS.validate_python(said["findings"])
                    submission.answers = 0
                case "asked":
                    submission.answers += 1
                case "graded":
                    submission.grade = _GRADE.validate_python(said["grade"])
                case _:
                    submission.problem = cast(str, said["problem"])
    except ValidationError:
        raise InvalidInput("another carrychain graded this; grade it again") from None
    return submissions


def _progress(job: Job, submissions: Sequence[Submission]) -> str:
    """Say in a sentence how far a job is."""
    ended = sum(bool(each.grade or each.problem) for each in submissions)
    graded = sum(each.grade is not None for each in submissions)
    counted = f"{graded} of {len(submissions)} graded"
    match job.status:
        case "queued" if job.place == 1:
            return "Next in the queue."
        case "queued":
            return f"Place {job.place} in the queue."
        case "running" if ended < len(submissions):
            which = f"Submission {ended + 1} of {len(submissions)}: "
            which = which if len(submissions) > 1 else ""
            doing = _doing(submissions[ended])
            return which + doing if which else doing[0].upper() + doing[1:]
        case "running" | "done":
            return f"{counted}."
        case "cancelled":
            return f"Cancelled; {counted}."
        case "failed":
            return f"Stopped; {counted}."


def _doing(submission: Submission) -> str:
    rubric = load_rubric()
    asked = (rubric.instances.drawn + len(rubric.instances.public)) * rubric.runs
    match submission.step:
        case "waiting":
            return "the file is being checked."
        case "asked" if submission.answers >= asked:
            return "the model has answered; whether the sums are its own is being examined."
        case _:
            return f"the model has answered {submission.answers} of {asked} instances."
