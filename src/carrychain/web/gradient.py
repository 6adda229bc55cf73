"""The page of the gradient: where it goes in a recurrent network, while s_max moves."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from carrychain.errors import CarrychainError, InvalidInput, nearest
from carrychain.io import Json
from carrychain.rnn.flow import Settings
from carrychain.rnn.model import Init
from carrychain.web.jobs import Jobs
from carrychain.web.pages import render

MOST_HIDDEN = 256
MOST_STEPS = 256
MOST_WORK = 4e10
"""Most T^2 n^3 of a network with n numbers of state: seconds of a processor, not minutes."""
MOST_SIZE = 100.0
MOST_SEED = 2**32 - 1

CELLS: dict[str, tuple[str, Literal["tanh", "relu"] | None, str]] = {
    "tanh": ("rnn", "tanh", "tanh RNN"),
    "relu": ("rnn", "relu", "ReLU RNN"),
    "gru": ("gru", None, "GRU"),
    "lstm": ("lstm", None, "LSTM"),
}
"""What the page calls a cell: the cell, its nonlinearity, and its name."""

INITS: dict[str, str] = {
    "gaussian": "Gaussian",
    "orthogonal": "orthogonal",
    "identity": "identity",
    "uniform": "uniform",
}
SIZES = {"gain": "gain, a factor", "s_max": "s_max"}

FILES = {"npz": "application/zip", "png": "image/png"}

ARRAYS = {
    "log_norms": "natural log of the norm of dh_t/dh_i at [t, i], 0 on the diagonal, -inf above it "
    "and where the norm is exactly 0; (T+1, T+1)",
    "certificate": "bound on each norm's relative error, inf where there is none; (T+1, T+1)",
    "bound_…": "natural log of each upper bound, one array a bound; (T+1, T+1)",
    "W_hh": "recurrent weights, gates one below the other: r, z, n of a GRU, i, f, g, o of an "
    "LSTM; (gates · units, units)",
    "states": "h_0 to h_T, of an LSTM h and then c; (T+1, numbers of state)",
    "s_max": "largest singular value of W_hh",
    "settings": "what was asked, as JSON",
}
"""What is in the NPZ file, as the page says it."""

router = APIRouter()


class Fields(BaseModel):
    """What the form or the address holds, as it was typed; every field may be left out.

    Args:
        cell: a name in `CELLS`.
        hidden: units.
        init: a name in `INITS`.
        size: a name in `SIZES`, what `value` is.
        value: the gain or s_max.
        steps: length of the sequence.
        input_std: standard deviation of what the input gives each unit.
        seed: fixes weights, inputs and the first state.
    """

    cell: str = Field("tanh", examples=list(CELLS))
    hidden: str = Field("64", examples=["8"])
    init: str = Field("gaussian", examples=list(INITS))
    size: str = Field("gain", examples=list(SIZES))
    value: str = Field("1", examples=["2"])
    steps: str = Field("100", examples=["12"])
    input_std: str = Field("0.3", examples=["0"])
    seed: str = Field("0", examples=["1"])


class Sent(Fields):
    """The form as a browser sends it."""

    csrf: str = ""


class Around(Fields):
    """A network of which one frame is known.

    Args:
        around: the s_max of that frame.
    """

    around: float = Field(ge=0, allow_inf_nan=False, examples=[2.0])


@router.get("/gradient")
async def gradient_page(request: Request, fields: Annotated[Fields, Query()]) -> HTMLResponse:
    """Show the form, filled in from the address; a script in the page asks for the rest."""
    try:
        read(fields)
    except InvalidInput as error:
        return _page(request, fields, 422, error=str(error))
    return _page(request, fields)


@router.post("/gradient")
async def gradient_measured(request: Request, fields: Annotated[Sent, Form()]) -> HTMLResponse:
    """Answer the form where there is no script: sentence, table and pictures."""
    try:
        result = await _measured(request, read(fields), pictures=True)
    except CarrychainError as error:
        return _page(request, fields, 422, error=str(error))
    return _page(request, fields, measured=result)


@router.post("/gradient/frame", response_model=None)
async def gradient_frame(request: Request, fields: Fields) -> dict[str, Json]:
    """Return what one network does, and where the slider can stand (`gradient_work.one`)."""
    return await _measured(request, read(fields), pictures=False)


@router.post("/gradient/frames", response_model=None)
async def gradient_frames(request: Request, fields: Around) -> dict[str, Json]:
    """Have the slider's other positions measured; their frames are the job's events."""
    jobs, owner = cast(Jobs, request.app.state.jobs), cast(str, request.state.owner)
    work: dict[str, Json] = {"settings": _as_json(read(fields)), "around": fields.around}
    return {"id": jobs.submit(owner, "gradient-frames", work).id}


@router.post("/gradient/flow.{suffix}")
async def gradient_file(
    request: Request, suffix: Literal["npz", "png"], fields: Annotated[Sent, Form()]
) -> Response:
    """Send the arrays (`ARRAYS`), or a picture as `carrychain rnn flow --plot` draws it."""
    work: dict[str, Json] = {"settings": _as_json(read(fields)), "format": suffix}
    result = await _result(request, "gradient-file", work)
    return Response(
        b64decode(cast(str, result["content"])),
        media_type=FILES[suffix],
        headers={"Content-Disposition": f'attachment; filename="carrychain-gradient.{suffix}"'},
    )


async def _measured(request: Request, settings: Settings, pictures: bool) -> dict[str, Json]:
    work: dict[str, Json] = {"settings": _as_json(settings), "pictures": pictures}
    return await _result(request, "gradient-frame", work)


async def _result(request: Request, kind: str, work: dict[str, Json]) -> dict[str, Json]:
    jobs = cast(Jobs, request.app.state.jobs)
    return cast(dict[str, Json], await jobs.answer(request.state.owner, kind, work))


def _as_json(settings: Settings) -> dict[str, Json]:
    return cast("dict[str, Json]", asdict(settings))


def _page(
    request: Request,
    fields: Fields,
    status: int = 200,
    measured: dict[str, Json] | None = None,
    error: str = "",
) -> HTMLResponse:
    typed = {name: cast(str, getattr(fields, name)) for name in Fields.model_fields}
    return render(
        request,
        "gradient.html",
        status,
        fields=typed,
        link="/gradient?" + urlencode(typed),
        cells={name: title for name, (_, _, title) in CELLS.items()},
        inits=INITS,
        sizes=SIZES,
        arrays=ARRAYS,
        most={"hidden": MOST_HIDDEN, "steps": MOST_STEPS, "size": MOST_SIZE, "seed": MOST_SEED},
        measured=measured,
        error=error,
    )


# --- what was typed -------------------------------------------------------------------------------


def read(fields: Fields) -> Settings:
    """Return the network that was asked for.

    Raises:
        InvalidInput: a field holds none of the values that it may hold, or the network is larger
            than one page gives.
    """
    cell, nonlinearity, _ = CELLS[_chosen("cell", fields.cell, CELLS)]
    size = _chosen("size", fields.size, SIZES)
    value = _number("s_max" if size == "s_max" else "gain", fields.value, 0, MOST_SIZE)
    settings = Settings(
        cell=cell,
        nonlinearity=nonlinearity,
        hidden=_whole("the number of units", fields.hidden, 1, MOST_HIDDEN),
        steps=_whole("the number of steps", fields.steps, 1, MOST_STEPS),
        init=cast(Init, _chosen("initialisation", fields.init, INITS)),
        scale=value if size == "gain" else None,
        s_max=value if size == "s_max" else None,
        input_std=_number("the input's standard deviation", fields.input_std, 0, MOST_SIZE),
        seed=_whole("the seed", fields.seed, 0, MOST_SEED),
    )
    _check_work(settings)
    return settings


def _check_work(settings: Settings) -> None:
    parts = 2 if settings.cell == "lstm" else 1
    T, n = settings.steps, parts * settings.hidden
    if T**2 * n**3 <= MOST_WORK:
        return
    steps = math.floor(math.sqrt(MOST_WORK / n**3))
    hidden = math.floor(math.cbrt(MOST_WORK / T**2) / parts)
    raise InvalidInput(
        f"{settings.hidden} units over {T} steps are more work than one page gives; take at most "
        f"{steps} steps with so many units, or {hidden} units over so many steps "
        "(carrychain rnn flow has no such limit)"
    )


def _chosen(what: str, text: str, among: Mapping[str, object]) -> str:
    if text not in among:
        raise InvalidInput(f"there is no {what} {text[:40]!r}{nearest(text[:40], among)}")
    return text


def _whole(what: str, text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise InvalidInput(f"{what} is {text[:40]!r}; give a whole number from {low} to {high}")
    return value


def _number(what: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InvalidInput(f"{what} is {text[:40]!r}; give a number from {low:g} to {high:g}")
    return value
