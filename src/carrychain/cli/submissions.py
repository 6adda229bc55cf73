"""A submission that a command runs."""

from __future__ import annotations

from pathlib import Path

from carrychain.cli.console import note
from carrychain.errors import InvalidInput
from carrychain.grading.submission import Submission, load
from carrychain.sandbox import Workshop


def runnable_submission(path: Path, workshop: Workshop) -> Submission:
    """Load a submission and say what is wrong with it."""
    submission = load(path, workshop)
    if not submission.runnable:
        errors = [str(each) for each in submission.findings if each.severity == "error"]
        raise InvalidInput(f"{path} can't be evaluated: {'; '.join(errors)}")
    for finding in submission.findings:
        note(f"{finding.severity}: {finding}")
    note(f"sandbox tier: {workshop.tier}")
    return submission
