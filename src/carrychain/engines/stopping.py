"""Where generated text ends: token ids to text, and stop strings found in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Decode = Callable[[tuple[int, ...]], str]
"""Token ids to text, special tokens left out, nothing cleaned up."""

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"


def cut(text: str, stops: Sequence[str]) -> str | None:
    r"""Return `text` up to the stop string that is complete first; None where there is none.

    Of several that end at the same character the longest counts. So the answer is the same however
    the text arrived: nothing that follows can change it.

    >>> cut("12\nQuestion: 3", ("Question", "\n"))
    '12'
    """
    found = ((at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0)
    end_and_start = min(found, default=None)
    return None if end_and_start is None else text[: end_and_start[1]]


class StopFinder:
    """Watches one row's tokens for a stop string.

    A token is decoded together with the few before it, as its text may depend on them: half a
    character, a space that a tokenizer drops at the start. Only windows are decoded, so that a step
    costs the same however long the text is; what is found is confirmed in the text decoded whole,
    which is what counts.

    Args:
        decode: how token ids become text.
        stops: strings to look for, none empty; with none, `push` does no work.
    """

    def __init__(self, decode: Decode, stops: Sequence[str]) -> None:
        self._decode = decode
        self._stops = stops
        self._tail_length = max(map(len, stops), default=1) - 1
        self._tail = ""  # the end of the text so far: as much as a stop string could begin in
        self._tokens: list[int] = []
        self._from = 0  # the window's first token
        self._read = 0  # tokens up to here are in the text so far

    def push(self, token: int) -> str | None:
        """Add a token; return the whole text, cut, once a stop string is complete, else None."""
        if not self._stops:
            return None
        self._tokens.append(token)
        before = self._decode(tuple(self._tokens[self._from : self._read]))
        after = self._decode(tuple(self._tokens[self._from :]))
        if len(after) <= len(before) or after.endswith(_UNFINISHED):
            return None
        self._from, self._read = self._read, len(self._tokens)
        recent = self._tail + after[len(before) :]
        self._tail = (
            recent[len(recent) - self._tail_length :] if self._tail_length < len(recent) else recent
        )
        return (
            None
            if cut(recent, self._stops) is None
            else cut(self._decode(tuple(self._tokens)), self._stops)
        )
