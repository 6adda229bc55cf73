"""HTML from templates, and what every page has in common."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from carrychain import __version__
from carrychain.assignment.visible import visible
from carrychain.engines import registry
from carrychain.text import interval, number, share

FOLDER = Path(__file__).parent

PAGES = {
    "/playground": ("Playground", "Run a prompt, or two side by side, and watch the answers come."),
    "/next-token": ("Next token", "Move the parameters, and see what they make of the next token."),
    "/gradient": ("Gradient", "Follow a recurrent network's gradient while s_max moves."),
    "/grade": ("Grade", "See what a grader sees in a submission, and why."),
    "/leaderboard": ("Leaderboard", "Who did best in a class, under invented names."),
}
"""Addresses of the pages in the order of the menu, each with its name and what is done there."""

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
        context: what the template is filled with, beside `csrf`, `pages`, `path`, `settings`,
            `version` and `models`, the titles of those that are offered by their names.
    """
    settings = request.app.state.settings
    html = _templates.get_template(template).render(
        **context,
        csrf=request.state.csrf,
        pages=PAGES,
        path=request.url.path,
        settings=settings,
        models=_titles(settings.models),
        version=__version__,
    )
    return HTMLResponse(html, status)


@cache
def _titles(models: tuple[str, ...]) -> dict[str, str]:
    known = {entry.name: entry.title for entry in registry.available()}
    return {name: known.get(name, name) for name in models}


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
