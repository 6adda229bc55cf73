"""HTML from templates, and what every page has in common."""

from __future__ import annotations

from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from carrychain import __version__
from carrychain.assignment.visible import visible
from carrychain.io import Json, jsonable
from carrychain.text import interval, number, share

FOLDER = Path(__file__).parent

PAGES = {
    "/playground": "Playground",
    "/next-token": "Next token",
    "/gradient": "Gradient",
    "/grade": "Grade",
    "/leaderboard": "Leaderboard",
}
"""Addresses of the pages in the order of the menu."""

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(visible=visible, share=share, interval=interval, number=number)


def render(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Return a page.

    Args:
        request: whose page it is.
        template: a file in `templates`.
        status: the response's status.
        context: what the template is filled with, beside `csrf`, `pages`, `path` and `settings`.
    """
    html = _templates.get_template(template).render(
        **context,
        csrf=request.state.csrf,
        pages=PAGES,
        path=request.url.path,
        settings=request.app.state.settings,
        version=__version__,
    )
    return HTMLResponse(html, status)


def refuse(
    request: Request, status: int, sentence: str, headers: dict[str, str] | None = None
) -> Response:
    """Return a sentence about what can't be done, as the request would have its answer."""
    if wants_json(request):
        return JSONResponse({"error": sentence}, status, headers)
    page = render(request, "error.html", status, sentence=sentence)
    page.headers.update(headers or {})
    return page


def wants_json(request: Request) -> bool:
    """Return whether a script asks, not a person."""
    accepts = request.headers.get("accept", "")
    kind = request.headers.get("content-type", "")
    return "application/json" in accepts or (
        "text/html" not in accepts and kind.startswith("application/json")
    )


def as_json(value: object) -> Json:
    """Return anything for JSON; what is not finite is None."""
    return jsonable(value)
