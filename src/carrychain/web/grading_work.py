"""Submissions graded in a worker: read there, run in its sandbox, told step by step."""

from __future__ import annotations

import logging
import tempfile
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict

from carrychain import engines
from carrychain.errors import CarrychainError
from carrychain.grading import inbox
from carrychain.grading.grader import Grader
from carrychain.grading.inbox import HandIn
from carrychain.grading.submission import check
from carrychain.io import Json
from carrychain.sandbox import Tier, Workshop
from carrychain.web.worker import Emit

SEED = 0
"""Draws the instances of this page. It is public, and a class's own seed is never used here."""

ENDED = ("graded", "refused")
"""Steps after which nothing more comes of a submission."""

log = logging.getLogger(__name__)


class Upload(BaseModel):
    """What was sent as one submission.

    Args:
        name: what a person calls it; shown, and never a path.
        suffix: how it is read.
        content: its bytes in base 64.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    suffix: Literal[".py", ".zip"]
    content: str

    def hand_in(self) -> HandIn:
        """Return the submission in it, read by the rules for what is handed in."""
        with tempfile.TemporaryDirectory(prefix="carrychain-") as folder:
            path = Path(folder, inbox.PROGRAM).with_suffix(self.suffix)
            path.write_bytes(b64decode(self.content))
            (found,) = inbox.find([path])
        return replace(found, name=self.name)


class Order(BaseModel):
    """What is to be graded.

    Args:
        model: name of the engine.
        uploads: the submissions, in the order of the page.
        full_sandbox: whether nothing may run where the sandbox can't be complete.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    uploads: tuple[Upload, ...]
    full_sandbox: bool


def grade(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Grade each submission of an `Order`; what is wrong with one stays with it.

    Each event names a submission by its place from 0 and a step: `checked` with findings, `asked`
    for each answer of the model, then `graded` with the grade (without its rows, and with the
    model's title), or `refused` with the problem.

    Raises:
        CarrychainError: the model can't be used, or the sandbox is not what the order asks for.
    """
    order = Order.model_validate(request)
    steps = [cast(dict[str, Json], event) for event in earlier]
    ended = {str(step["submission"]) for step in steps if step["step"] in ENDED}
    engine = engines.load(order.model, offline=True)
    with Workshop(require=max(Tier) if order.full_sandbox else None) as workshop:
        grader = Grader(engine, workshop, seed=SEED)
        for place, upload in enumerate(order.uploads):
            if str(place) not in ended:
                _grade_one(upload, place, grader, workshop, engine.info.title, emit)
    return {"submissions": len(order.uploads)}


def _grade_one(
    upload: Upload, place: int, grader: Grader, workshop: Workshop, title: str, emit: Emit
) -> None:
    def tell(step: str, **more: Json) -> None:
        emit({"submission": place, "step": step, **more})

    try:
        hand_in = upload.hand_in()
        if hand_in.problem:
            tell("refused", problem=hand_in.problem)
            return
        with hand_in.unpacked() as path:
            tell("checked", findings=[f.as_dict() for f in check(path, workshop).findings])
            grade = grader.grade(path, on_row=lambda row: tell("asked"))
        told = replace(grade, submission=upload.name, model=title, rows=())
        tell("graded", grade=told.as_dict())
    except CarrychainError as error:
        tell("refused", problem=str(error))
    except Exception:  # a defect of ours costs this submission its grade, and no other
        log.exception("a submission could not be graded")
        tell("refused", problem="the grader itself failed; the server's own output says what")
