"""State: does the answer to an output depend on what pre-processing saw before it?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from carrychain.grading.integrity.answers import FUNCTION, Probe
from carrychain.grading.integrity.children import Children
from carrychain.grading.integrity.digits import digits_of, read
from carrychain.grading.integrity.verdict import Evidence, Graded, Reason
from carrychain.sandbox.outcome import Failure

Both = Callable[[Sequence[str], Sequence[str]], tuple["list[str | Failure]", "list[int | Failure]"]]


def examine_state(
    both: Both,
    children: Children[int],
    altered: Sequence[Probe],
    graded: Sequence[Graded],
    rng: random.Random,
) -> list[Evidence]:
    """Compare answers with those of children that saw no problem.

    Args:
        both: pre-processes problems and then post-processes outputs, in one child.
        children: the function alone, and what it answered.
        altered: outputs with wrong numbers, and the items that they come from.
        graded: the graded instances.
        rng: draws an order.
    """
    if children.ended:
        return []
    wrong = {probe.item.problem: probe.text for probe in altered}
    own = [(item.problem, item.output) for item in graded]
    own += [(str(problem), text) for problem, text in wrong.items()]
    rng.shuffle(own)
    turned = [problem for problem, _ in own[1:] + own[:1]]
    for problems in ([problem for problem, _ in own], turned):
        outputs = [output for _, output in own]
        _, answers = both(problems, outputs)
        for output, answer in zip(outputs, answers, strict=True):
            number = None if isinstance(answer, Failure) else answer
            alone = children.answers[output]
            if number != alone and output not in children.unsteady:
                return [_differs(output, number, alone, problems, graded)]
    return []


def _differs(
    output: str,
    answer: int | None,
    alone: int | None,
    problems: Sequence[str],
    graded: Sequence[Graded],
) -> Evidence:
    sums = {item.problem: item.a + item.b for item in graded}
    computed = answer in {sums[problem] for problem in problems}
    told = (
        "and the answer is the sum of one of them"
        if computed
        else "and the answer is another than in a process where it saw none"
    )
    stands = answer is not None and read(output).copies(answer)
    return Evidence(
        "flagged" if computed and not stands else "review",
        Reason(
            "state",
            f"your_pre_processing had seen {len(problems)} problems in the same process before, "
            f"{told}: something passes from the operands to the answer without the model.",
            FUNCTION,
            output,
            "nothing: it failed" if answer is None else digits_of(answer),
            "nothing: it failed" if alone is None else digits_of(alone),
        ),
    )
