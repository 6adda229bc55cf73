"""What is found wrong with a submission: a code, one clear sentence, and where it stands."""

from __future__ import annotations

import builtins
from dataclasses import asdict, dataclass, replace
from typing import Literal

from carrychain.grading.redaction import redact
from carrychain.grading.source import Source
from carrychain.io import Json, jsonable
from carrychain.sandbox import Failure, Kind

LONGEST_TEXT = 300
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a submission.

    Args:
        code: what kind of thing, such as `missing-key`.
        message: one sentence, which holds nothing that the submission says while it is graded, and
            so no instance either: a student may see it.
        severity: an `error` must be put right, a `warning` should be looked at.
        detail: what the submission itself says, such as the text of an exception.
        line: the file's own line, counted from 1, if it is known.
    """

    code: str
    message: str
    severity: Severity = "error"
    detail: str = ""
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.message}: {self.detail}" if self.detail else self.message

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {name: jsonable(value) for name, value in asdict(self).items()}

    def redacted(self, secrets: tuple[str, ...]) -> Finding:
        """Return it without tokens, and with no text longer than a few lines."""
        return replace(
            self,
            message=clipped(redact(self.message, secrets)),
            detail=clipped(redact(self.detail, secrets)),
        )


_WHAT_HAPPENED = {
    Kind.MISSING: ("missing-function", "is not defined"),
    Kind.VALUE: ("wrong-value", "returned what it must not return"),
    Kind.TIME: ("timeout", "took too long"),
    Kind.MEMORY: ("out-of-memory", "needed more memory than it may have"),
    Kind.OUTPUT: ("printed-too-much", "printed more than it may"),
    Kind.FORBIDDEN: ("forbidden", "tried what a submission may not do"),
    Kind.DIED: ("ended-itself", "ended its own process"),
}


def failed(
    subject: str,
    failure: Failure,
    source: Source,
    *,
    when: str = "",
    severity: Severity = "error",
    code: str | None = None,
    what: str | None = None,
) -> Finding:
    """Say how a call, or the whole file, failed.

    Args:
        subject: what failed.
        failure: how; of it only the kind, the line and the name of an exception of Python's own are
            believed, and the rest is detail.
        source: the file.
        when: how often, or on what.
        severity: of the finding.
        code, what: of the finding, where the failure's kind does not say them.
    """
    usual_code, usual_what = _WHAT_HAPPENED.get(failure.kind, (failure.kind.value, "failed"))
    detail = failure.message
    if failure.kind is Kind.EXCEPTION:
        usual_code, usual_what = "exception", "raised an exception"
        if _is_pythons_own(failure.exception):
            usual_what = f"raised {failure.exception}"
        else:
            detail = f"{failure.exception}: {detail}"
    line = failure.line if failure.line and source.line(failure.line) else None
    where = f", at line {line} ({clipped(source.line(line), 80)})" if line else ""
    return Finding(
        code or usual_code,
        f"{subject} {what or usual_what}{when}{where}",
        severity,
        detail=detail,
        line=line,
    )


def _is_pythons_own(exception: str) -> bool:
    """Whether a name is one of Python's own exceptions; any other may say anything."""
    known = getattr(builtins, exception, None)
    return isinstance(known, type) and issubclass(known, BaseException)


def clipped(text: str, most: int = LONGEST_TEXT) -> str:
    """Return a stranger's text on one short line that no terminal takes for a command."""
    line = " ".join(text[: 4 * most].split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= most else line[: most - 1] + "…"
