"""Is the sum the model's own? Experiments on a submission's two functions; none reads its source.

    integrity = examine(submission, graded, seed=0)
    print(integrity.verdict, *(reason.sentence for reason in integrity.reasons))

Design and error rates: docs/grading.md.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from typing import Protocol

from carrychain.grading.integrity.answers import FUNCTION as POST
from carrychain.grading.integrity.children import Children
from carrychain.grading.integrity.hints import hints
from carrychain.grading.integrity.reading import examine_post
from carrychain.grading.integrity.rectangles import FUNCTION as PRE
from carrychain.grading.integrity.rectangles import examine_pre
from carrychain.grading.integrity.state import examine_state
from carrychain.grading.integrity.verdict import Evidence, Graded, Integrity, Reason, decide
from carrychain.sandbox.outcome import Failure

__all__ = ["Examined", "Graded", "Integrity", "Reason", "examine"]


class ReadSource(Protocol):
    """A source as far as hints need it."""

    @property
    def tree(self) -> ast.Module | None: ...


class Examined(Protocol):
    """A submission as far as it is examined; each call has a fresh child of its own."""

    @property
    def prefix(self) -> str: ...
    @property
    def suffix(self) -> str: ...
    @property
    def source(self) -> ReadSource: ...
    def pre(self, problems: Sequence[str], /) -> list[str | Failure]: ...
    def post(self, outputs: Sequence[str], /) -> list[int | Failure]: ...
    def pre_then_post(
        self, problems: Sequence[str], outputs: Sequence[str], /
    ) -> tuple[list[str | Failure], list[int | Failure]]: ...


def examine(submission: Examined, graded: Sequence[Graded], seed: int) -> Integrity:
    """Tell from experiments whether a submission's answers are the model's own.

    About 600 calls of your_pre_processing and 1,200 of your_post_processing in some twenty fresh
    children, in which probes and graded texts are mixed at random.

    Args:
        submission: its functions and its prompt.
        graded: the graded instances, at least one.
        seed: draws the probes.
    """
    rng = random.Random(f"integrity {seed}")
    pre, post = Children(submission.pre, rng), Children(submission.post, rng)
    evidence, texts = examine_pre(pre, graded, rng)
    prompt = submission.prefix, submission.suffix
    found, wrong = examine_post(post, graded, texts, prompt, rng)
    evidence += [*found, *examine_state(submission.pre_then_post, post, wrong, graded, rng)]
    for function, children in ((PRE, pre), (POST, post)):
        evidence += [*_unsteady(children, function), *_ended(children, function)]
    return decide(evidence, hints(submission.source.tree))


def _unsteady(children: Children[str] | Children[int], function: str) -> list[Evidence]:
    return [
        Evidence(
            "review",
            Reason(
                "state",
                f"{function} did not return the same for the same text: the answer depends on "
                "chance, on time or on what was asked before.",
                function,
                text,
                str(other),
                str(first),
            ),
        )
        for text, (first, other) in list(children.unsteady.items())[:1]
    ]


def _ended(children: Children[str] | Children[int], function: str) -> list[Evidence]:
    sentences = {
        f"{function} could not be examined to the end.": children.ended,
        f"{function} tried what a submission may not do.": children.refused,
    }
    return [
        Evidence(
            "review",
            Reason("to the end", sentence, function, found[0], str(found[1]), "an answer"),
        )
        for sentence, found in sentences.items()
        if found
    ]
