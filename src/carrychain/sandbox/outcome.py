"""What a file may use, and what comes of a call."""

from __future__ import annotations

from dataclasses import dataclass

from carrychain.sandbox.protocol import BadMessage, Kind, Message, Value, decode

_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may use.

    Args:
        seconds: of the clock, for its own statements and for the calls that are asked at once.
        cpu_seconds: of the processor, for all that one child does.
        memory: address space in bytes; Python and NumPy take about a quarter of the default.
        printed: bytes that it may print.
        answer: bytes of one answer.
        files: how many may be open at once.
    """

    seconds: float = 10.0
    cpu_seconds: int = 60
    memory: int = 1 << 30
    printed: int = 1 << 16
    answer: int = 1 << 20
    files: int = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned: exact built-in types and plain arrays."""

    value: Value


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Args:
        kind: what went wrong.
        message: the reason, one line.
        exception: the class of the exception that was raised, if one was.
        line: the file's own line, counted from 1, if it is known.
        code: that line.
    """

    kind: Kind
    message: str
    exception: str = ""
    line: int | None = None
    code: str = ""

    def __str__(self) -> str:
        reason = ": ".join(part for part in (self.exception, self.message) if part)
        if self.line is None:
            return reason
        return f"line {self.line}{f' ({self.code})' if self.code else ''}: {reason}"

    @property
    def fatal(self) -> bool:
        """Whether the child answers no more."""
        return self.kind in (Kind.TIME, Kind.OUTPUT, Kind.DIED)


def outcome(message: Message) -> Answer | Failure:
    """Read a child's message, believing nothing."""
    try:
        return _outcome(message)
    except (BadMessage, RecursionError):
        return Failure(Kind.DIED, "sent what is no answer")


def _outcome(message: Message) -> Answer | Failure:
    match message:
        case {"value": value}:
            return Answer(decode(value))
        case {"kind": str() as kind, "message": str() as text} if kind in set(Kind):
            line, code, exception = (message.get(key) for key in ("line", "code", "exception"))
            return Failure(
                Kind(kind),
                one_line(text),
                one_line(exception) if isinstance(exception, str) else "",
                line if type(line) is int else None,
                one_line(code) if isinstance(code, str) else "",
            )
        case _:
            raise BadMessage("neither a value nor a failure")


def one_line(text: str) -> str:
    """Return a stranger's text as one short line that no terminal takes for a command."""
    line = " ".join(text[: 4 * _LONGEST_TEXT].split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
