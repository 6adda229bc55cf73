"""The page of the next token: its distribution, and what each parameter makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput, nearest
from carrychain.io import Json
from carrychain.web.jobs import Jobs, NotDone
from carrychain.web.next_token_work import MOST_SHOWN
from carrychain.web.pages import render
from carrychain.web.settings import Settings

MOST_CHARACTERS = 20_000
MOST_TOKENS = 200
"""Tokens that a person may pick one after the other."""
SHOWN = (10, 20, 50, MOST_SHOWN)

_HANDOUT = SamplingParams()
_Number = TypeVar("_Number", int, float)

router = APIRouter()


class Parameter(NamedTuple):
    """A field with a slider beside it: the slider spans the usual values, the field takes all."""

    name: str
    label: str
    help: str
    low: float
    high: float
    step: float


PARAMETERS = (
    Parameter(
        "temperature", "Temperature", "divides the logits; 1 is off, 0 is greedy", 0, 2, 0.05
    ),
    Parameter("top_k", "Top-k", "keeps so many likeliest tokens; 0 is off", 0, 100, 1),
    Parameter("top_p", "Top-p", "keeps the fewest that reach this share; 1 is off", 0, 1, 0.01),
    Parameter(
        "repetition_penalty",
        "Repetition penalty",
        "above 1 holds back tokens of the text so far; 1 is off",
        0.5,
        2,
        0.05,
    ),
)


class Fields(BaseModel):
    """What the address or the form holds, as it was typed; the address may leave out any.

    Args:
        after: ids of the tokens that follow the prompt, with commas between them.
        seed: what "draw" draws with.
        shown: how many tokens are shown.
    """

    model: str = ""
    prompt: str = "Question: What is 3+7?\nAnswer: "
    temperature: str = f"{_HANDOUT.temperature:g}"
    top_k: str = f"{_HANDOUT.top_k}"
    top_p: str = f"{_HANDOUT.top_p:g}"
    repetition_penalty: str = f"{_HANDOUT.repetition_penalty:g}"
    shown: str = "20"
    seed: str = "0"
    after: str = ""


class Sent(Fields):
    """The form as a browser without JavaScript sends it.

    Args:
        add: id of a token to put at the end of the text.
        undo: 1 to take the last token away.
    """

    csrf: str = ""
    add: str = ""
    undo: str = ""


class Text(BaseModel):
    """A text to go on from: a prompt, and ids of the tokens after it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    prompt: str
    continuation: list[int] = Field(default=[], max_length=MOST_TOKENS)


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields as values; they are `Fields`' and in its order."""

    model: str
    prompt: str
    sampling: SamplingParams
    shown: int
    seed: int
    after: tuple[int, ...]


@router.get("/next-token")
async def next_token_page(request: Request, fields: Annotated[Fields, Query()]) -> HTMLResponse:
    """Show the form, filled in from the address; a script in the page asks for the rest."""
    settings = cast(Settings, request.app.state.settings)
    try:
        read(fields, settings)
    except InvalidInput as error:
        return _page(request, fields, 422, error=str(error))
    return _page(request, fields)


@router.post("/next-token")
async def next_token_table(request: Request, fields: Annotated[Sent, Form()]) -> HTMLResponse:
    """Answer the form where there is no script: the likeliest tokens in a table."""
    jobs, settings = cast(Jobs, request.app.state.jobs), cast(Settings, request.app.state.settings)
    tokens = [token for token in fields.after.split(",") if token]
    tokens = [*tokens, fields.add] if fields.add else tokens[:-1] if fields.undo else tokens
    fields.after = ",".join(tokens)
    fields.prompt = fields.prompt.replace("\r\n", "\n")  # as a form sends line breaks
    try:
        asked = read(fields, settings)
        result = await _result(
            jobs,
            request,
            "next-token-table",
            {
                **_request(asked.model, asked.prompt, asked.after),
                "sampling": cast(dict[str, Json], asked.sampling.as_dict()),
                "shown": asked.shown,
            },
        )
    except (InvalidInput, NotDone) as error:
        return _page(request, fields, 422, error=str(error))
    return _page(request, fields, table=result)


@router.post("/next-token/logits")
async def next_token_logits(request: Request, text: Text) -> JSONResponse:
    """Return the scores of every token that may follow a text (see `next_token_work.logits`)."""
    jobs, settings = cast(Jobs, request.app.state.jobs), cast(Settings, request.app.state.settings)
    _check_text(text.model, text.prompt, settings)
    asked = _request(text.model, text.prompt, text.continuation)
    return JSONResponse(await _result(jobs, request, "next-token-logits", asked))


def read(fields: Fields, settings: Settings) -> Asked:
    """Return the values of what was typed.

    Raises:
        InvalidInput: a field holds none of the values that it may hold.
    """
    model = fields.model or settings.models[0]
    _check_text(model, fields.prompt, settings)
    sampling = SamplingParams(
        temperature=_number("temperature", fields.temperature, float),
        top_k=_number("top_k", fields.top_k, int),
        top_p=_number("top_p", fields.top_p, float),
        repetition_penalty=_number("repetition_penalty", fields.repetition_penalty, float),
    )
    shown, seed = _number("shown", fields.shown, int), _number("seed", fields.seed, int)
    if shown not in SHOWN:
        raise InvalidInput(f"shown is {shown}; it must be one of {', '.join(map(str, SHOWN))}")
    if not 0 <= seed < 2**64:
        raise InvalidInput(f"seed is {seed}; it must be 0 to 2^64 - 1")
    after = tuple(_number("after", token, int) for token in fields.after.split(",") if token)
    if len(after) > MOST_TOKENS:
        raise InvalidInput(
            f"{len(after)} tokens follow the prompt, and this page goes {MOST_TOKENS} far; "
            "put what has been said into the prompt"
        )
    return Asked(model, fields.prompt, sampling, shown, seed, after)


def _check_text(model: str, prompt: str, settings: Settings) -> None:
    if model not in settings.models:
        raise InvalidInput(f"there is no model {model!r} here{nearest(model, settings.models)}")
    if len(prompt) > MOST_CHARACTERS:
        raise InvalidInput(
            f"the prompt has {len(prompt)} characters; this page takes {MOST_CHARACTERS}"
        )


def _number(name: str, text: str, kind: Callable[[str], _Number]) -> _Number:
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise InvalidInput(f"{name} is {text[:40]!r}; it must be {what}") from None


def _request(model: str, prompt: str, after: Sequence[int]) -> dict[str, Json]:
    return {"model": model, "prompt": prompt, "continuation": list(after)}


async def _result(
    jobs: Jobs, request: Request, kind: str, asked: dict[str, Json]
) -> dict[str, Json]:
    return cast(dict[str, Json], await jobs.answer(request.state.owner, kind, asked))


def _page(
    request: Request,
    fields: Fields,
    status: int = 200,
    table: dict[str, Json] | None = None,
    error: str = "",
) -> HTMLResponse:
    typed = {name: cast(str, getattr(fields, name)) for name in Fields.model_fields}
    return render(
        request,
        "next_token.html",
        status,
        fields=typed,
        parameters=PARAMETERS,
        choices=SHOWN,
        link="/next-token?" + urlencode(typed),
        table=table,
        error=error,
    )
