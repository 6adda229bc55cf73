"""What the page of the gradient has a worker do: measure networks, draw them, and write files."""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import Any, cast

import numpy as np

from carrychain.io import Json, jsonable
from carrychain.rnn.flow import (
    Array,
    Measured,
    Settings,
    by_lag,
    certainty,
    magnitude,
    measure,
    round_numbers,
)
from carrychain.text import number
from carrychain.web.worker import Emit

GRID = tuple(float(f"{2 ** (k / 4):.3g}") for k in range(-8, 13))
"""Values of s_max that the slider goes through, geometric, .25 to 8; 1 is among them."""

NEAR = 0.005
"""A value of the grid that is this near to the one asked for, relatively, gives way to it."""

_LOG10_E = math.log10(math.e)
_LEVEL = 1e-9  # a slope nearer to 0 is rounding


def positions(asked: float) -> list[float]:
    """Return where the slider can stand, ascending: the grid and the s_max asked for."""
    return sorted([asked, *_others(asked)])


def _others(asked: float) -> list[float]:
    return [s_max for s_max in GRID if abs(s_max - asked) > NEAR * s_max]


# --- work -----------------------------------------------------------------------------------------


def one(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Measure one network.

    Args:
        request: `settings` as `Settings` takes them; `pictures`, whether to draw them too.
        emit, earlier: not used; it is over at once.

    Returns:
        `frame` as `frame` makes it, the slider's `positions`, and in `pictures` the map and the
        norms by lag as PNG in base 64, or nothing.

    Raises:
        InvalidInput: a state overflows.
    """
    measured = _measured(_settings(request))
    pictures: list[Json] = []
    if request["pictures"]:
        from carrychain.rnn.plots import lag_norm_map, norms_by_lag, render

        flow = measured.flow
        figures = (
            lag_norm_map(flow.log_norms, flow.certificate),
            norms_by_lag(flow.log_norms, measured.bounds),
        )
        pictures = [_base64(render(figure, "png")) for figure in figures]
    return {
        "frame": frame(measured),
        "positions": jsonable(positions(measured.s_max)),
        "pictures": pictures,
    }


def frames(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Measure a network at every position of the slider but one, the nearest to that first.

    Args:
        request: `settings`, and `around`, the s_max that has been measured.
        emit: takes each frame.
        earlier: frames that are not measured again.

    Raises:
        InvalidInput: a state overflows.
    """
    settings, around = _settings(request), cast(float, request["around"])
    known = [cast(dict[str, Json], event)["s_max"] for event in earlier]
    middle = math.log(max(around, GRID[0] / 2))
    for s_max in sorted(_others(around), key=lambda s_max: abs(math.log(s_max) - middle)):
        if s_max not in known:
            measured = measure(replace(settings, scale=None, s_max=s_max))
            emit({**frame(measured), "s_max": s_max})
    return {}


def file(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Write what was measured as a file.

    Args:
        request: `settings`, and `format`, npz or png.
        emit, earlier: not used; it is over at once.

    Returns:
        `content`: the file in base 64.

    Raises:
        InvalidInput: a state overflows.
    """
    measured = _measured(_settings(request))
    if request["format"] == "npz":
        return {"content": _base64(npz(measured))}
    from carrychain.rnn.plots import flow_picture, render

    picture = flow_picture(measured.flow, measured.bounds, measured.title)
    return {"content": _base64(render(picture, "png"))}


def _settings(request: dict[str, Json]) -> Settings:
    return Settings(**cast("dict[str, Any]", request["settings"]))


@lru_cache(maxsize=2)
def _measured(settings: Settings) -> Measured:
    """Measure a network, or take it from the last ones: its files are asked for one by one."""
    return measure(settings)


def _base64(content: bytes) -> str:
    return b64encode(content).decode("ascii")


# --- what a page shows ----------------------------------------------------------------------------


def frame(measured: Measured) -> dict[str, Json]:
    """Return all that the page shows of one network. Logs are to the base 10, null for a norm of 0.

    `norms` is float32, little-endian, in base 64: log ||dh_t/dh_i|| for i = 0..t, row after row,
    t = 0..T; -inf where the norm is 0. `lags` and `bounds` have a value for each lag 0..T.
    """
    norms = measured.flow.log_norms
    T = measured.settings.steps
    triangle = (norms * _LOG10_E)[np.tril_indices(T + 1)].astype("<f4")
    low, median, high = by_lag(norms)
    bounds = {name: by_lag(logs)[1] for name, logs in measured.bounds.items()}
    columns = {"lowest": low, "median": median, "highest": high, **bounds}
    below = np.tril(np.ones_like(norms, dtype=bool), -1)
    zeros = int(np.isneginf(norms[below]).sum())
    return {
        "s_max": measured.s_max,
        "title": measured.title,
        "slope": measured.slope,
        "factor": None if measured.slope is None else magnitude(measured.slope),
        "slope_words": _slope_words(measured.slope),
        "meaning": measured.meaning,
        "certainty": f"Error: {certainty(measured.flow.certificate)}.",
        "steps": T,
        "zeros": zeros,
        "norms": _base64(triangle.tobytes()),
        "lags": {"lowest": _log10(low), "median": _log10(median), "highest": _log10(high)},
        "bounds": {name: _log10(logs) for name, logs in bounds.items()},
        "columns": list(columns),
        "rows": [
            [str(lag), *(magnitude(logs[lag]) for logs in columns.values())]
            for lag in round_numbers(T)
        ],
        "alt_map": _alt_map(norms, below, zeros),
        "alt_lags": _alt_lags(median, bounds),
    }


def _log10(logs: Array) -> list[Json]:
    return [round(float(log) * _LOG10_E, 4) if math.isfinite(log) else None for log in logs]


def _slope_words(slope: float | None) -> str:
    if slope is None:
        return "There is no slope, for fewer than two of the norms at t = T are above 0."
    if abs(slope) < _LEVEL:
        return "Going back from t = T, the norm stays level: the slope of its log is 0."
    verb = "rises" if slope > 0 else "falls"
    return (
        f"Going back from t = T, the log of the norm {verb} by {number(abs(slope))} a step, "
        f"a factor of {magnitude(slope)}."
    )


def _alt_map(norms: Array, below: Array, zeros: int) -> str:
    T = len(norms) - 1
    said = f"Heat map of the norm of dh_t/dh_i for 0 ≤ i ≤ t ≤ {T}, 1 on the diagonal, empty above."
    finite = np.where(below & np.isfinite(norms), norms, np.nan)
    if zeros == below.sum():
        return f"{said} All norms below the diagonal are exactly 0."
    ends = (np.unravel_index(where(finite), norms.shape) for where in (np.nanargmin, np.nanargmax))
    (t, i), (u, j) = ends
    said += (
        f" Below it norms run from {magnitude(norms[t, i])} (t = {t}, i = {i}) to "
        f"{magnitude(norms[u, j])} (t = {u}, i = {j})"
    )
    return f"{said}; {zeros:,} are exactly 0." if zeros else f"{said}."


def _alt_lags(median: Array, bounds: dict[str, Array]) -> str:
    T = len(median) - 1
    lags = sorted({1, max(1, T // 2), T})
    norms = ", ".join(f"{magnitude(median[lag])} at lag {lag}" for lag in lags)
    limits = ", ".join(f"{name} {magnitude(logs[T])}" for name, logs in bounds.items())
    return f"The norm against the lag t - i, median over starts: {norms}. At lag {T}: {limits}."


# --- files ----------------------------------------------------------------------------------------


def npz(measured: Measured) -> bytes:
    """Return the arrays as a NumPy file that needs no pickle; the page says what is in it."""
    flow = measured.flow
    bounds = {
        f"bound_{re.sub(r'[^a-z]+', '_', name)}": logs for name, logs in measured.bounds.items()
    }
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        log_norms=flow.log_norms,
        certificate=flow.certificate,
        W_hh=measured.W_hh,
        states=flow.states,
        s_max=np.array(measured.s_max),
        settings=np.array(json.dumps(measured.settings.as_dict())),
        **cast("dict[str, Any]", bounds),
    )
    return buffer.getvalue()
