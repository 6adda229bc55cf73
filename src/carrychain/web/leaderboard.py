"""Leaderboard: who does best in the class, under names that only the class's secret can tell."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading.class_folder import ClassFolder
from carrychain.grading.store import Page, Store
from carrychain.io import Json
from carrychain.web.pages import render
from carrychain.web.settings import Settings

LINES = 50
"""Places on a page."""

_CURSOR = re.compile(r"(\d{1,9})\.\d{1,9}\.[a-z]+-[a-z]+(-\d+)?", re.ASCII)

log = logging.getLogger(__name__)
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Board:
    """A page of the leaderboard, with nothing on it that only the instructor may see.

    Args:
        name: of the class.
        places: what `Place.public` tells of each.
        previous: cursor of the page before, "" for the first page; None where this is the first.
        following: cursor of the next page; None where this is the last.
        moved: whether another page was asked for, which is no longer there.
    """

    name: str
    places: list[dict[str, Json]]
    previous: str | None
    following: str | None
    moved: bool


@router.get("/leaderboard", response_class=HTMLResponse)
def leaderboard(request: Request, after: str = "") -> Response:
    """Show a page of the class's leaderboard: the first, or that after a cursor."""
    folder = cast(Settings, request.app.state.settings).class_folder
    if folder is None:
        return render(request, "leaderboard.html", board=None, unreadable=False)
    try:
        board = _board(folder, after)
    except (CarrychainError, OSError) as error:  # what it says names folders: not for visitors
        log.error("the class's leaderboard can't be read: %s", error)
        return render(request, "leaderboard.html", 503, board=None, unreadable=True)
    return render(request, "leaderboard.html", board=board, unreadable=False)


def _board(folder: Path, after: str) -> Board:
    opened = ClassFolder.open(folder)
    with opened.store() as store:
        page = _page_after(store, after) if after else None
        previous = None
        if page is None:
            page = store.leaderboard(LINES)
        else:
            previous = _before(store, after)
        review = store.policy.integrity.review == "shown"
        return Board(
            name=opened.settings.name,
            places=[place.public(review) for place in page.places],
            previous=previous,
            following=page.after,
            moved=bool(after) and previous is None,
        )


def _page_after(store: Store, after: str) -> Page | None:
    """Return the page after a cursor; None if there is none.

    A cursor says which rank it stands at, and others may have overtaken since, or somebody may
    have written it by hand to stand higher. All ranks of a page follow from the cursor's, so if
    the first and the last hold, all do.
    """
    if not _CURSOR.fullmatch(after):
        return None
    try:
        page = store.leaderboard(LINES, after)
    except InvalidInput:  # who stood there is not ranked any more
        return None
    ends = page.places[:1] + page.places[-1:]
    return page if ends and all(store.rank(end.net_id) == end.rank for end in ends) else None


def _before(store: Store, after: str) -> str:
    """Return the cursor of the page before the one that follows a cursor, "" for the first."""
    places = int(after.partition(".")[0]) - LINES
    return (store.leaderboard(places).after or "") if places > 0 else ""
