"""A submission.py read into the playground's form, and the form written as a submission.py."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from carrychain.addition.extraction import EXTRACTIONS, extractor
from carrychain.addition.prompts import PRE_PROCESSING
from carrychain.errors import InvalidInput
from carrychain.grading.contract import LEAST_TOKENS, POST, PRE
from carrychain.grading.source import is_placeholder
from carrychain.grading.submission import Submission, load
from carrychain.io import Json
from carrychain.sandbox import Tier, Workshop
from carrychain.search.space import Candidate
from carrychain.search.submission_file import submission_source
from carrychain.web.playground.asked import Side, fields_of
from carrychain.web.worker import Emit

LABELS = ("Answer:", "A:", "Sum:")
"""Texts that a submission may look for before it reads a number."""

PROBLEMS = ("1234567+7654321", "9999999+1", "1000+20")
OUTPUTS = (
    "8888888\nQuestion: What is 3+4?\nAnswer: 7",
    "1,234,567 and 5",
    "1 2 3 4\n5",
    "5+7+0=12\nAnswer: 4321\nAnswer: 5",
    "5+7+0=12\nA: 987\nSum: 654",
    "\nThe sum is 10,160,736.\n8 more",
    "I do not know.",
    "",
)
"""What tells the ways to write a problem, and to read an output, from one another."""


def read(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Read a submission.py in the sandbox: what of it the form can hold, and what it can't.

    The request has `content` (base 64), `side` ("a" or "b") and `full_sandbox` (whether nothing may
    run where the sandbox can't be complete). The result has `fields` of the form and `notes`.

    Raises:
        InvalidInput: it gives no prompt or no parameters, or the form can't hold them.
    """
    given = cast(Mapping[str, Any], request)
    with (
        tempfile.TemporaryDirectory(prefix="carrychain-") as folder,
        Workshop(require=max(Tier) if given["full_sandbox"] else None) as workshop,
    ):
        path = Path(folder, "submission.py")
        path.write_bytes(b64decode(given["content"]))
        found = load(path, workshop)
        if not found.runnable or found.sampling is None:
            errors = [str(each) for each in found.findings if each.severity == "error"]
            raise InvalidInput(f"the submission can't be run: {'; '.join(errors)}")
        pre, pre_note = _alike(PRE, found.pre(PROBLEMS), WRITTEN, "none")
        post, post_note = _alike(POST, found.post(OUTPUTS), READ, "first-integer")
    side = Side(found.prompt, pre, post, found.sampling)
    return {
        "fields": cast(Json, fields_of(side, given["side"])),
        "notes": [pre_note, post_note, *_findings(found)],
    }


WRITTEN = {name: [write(p) for p in PROBLEMS] for name, write in PRE_PROCESSING.items()}
READ = {
    name: [extractor(name)(output) or 0 for output in OUTPUTS]
    for name in [*EXTRACTIONS, *(f"after:{label}" for label in LABELS)]
}


def _alike(
    function: str, given: Sequence[object], known: Mapping[str, Sequence[object]], usual: str
) -> tuple[str, str]:
    """Return the way that does on every sample what a function did, and what to say of it."""
    same = next((name for name, samples in known.items() if list(given) == list(samples)), None)
    if same is None:
        return usual, (
            f"{function} is its own and is not run here: {usual!r} stands in its place. "
            "To run it: carrychain evaluate submission.py"
        )
    return same, f"{function} did on {len(given)} samples what {same!r} does, which is filled in."


def _findings(found: Submission) -> list[Json]:
    """Return what else is wrong with it; who wrote it is of no use here."""
    of_no_use = ("empty-net-id", "empty-token")
    return [f"{f.severity}: {f}" for f in found.findings if f.code not in of_no_use]


def write(side: Side, net_id: str) -> str:
    """Return the source of a submission that asks and reads as a prompt of the playground does.

    Raises:
        InvalidInput: a submission must have what this lacks.
    """
    if is_placeholder(net_id):
        raise InvalidInput("a submission needs your net id; write it beside the button")
    if side.sampling.max_tokens < LEAST_TOKENS:
        raise InvalidInput(
            f"max_tokens is {side.sampling.max_tokens}; in a submission it must be at least "
            f"{LEAST_TOKENS}; change it and run again"
        )
    candidate = Candidate(side.prompt, side.pre_processing, side.sampling)
    return submission_source(candidate, side.extract, net_id.strip(), "was tried in the playground")
