"""Post-processing: is the answer read from the output, or worked out?

Everything is asked about outputs of the model itself and about outputs made from them by changing
digits.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from carrychain.addition.problems import Problem
from carrychain.grading.integrity import judgement
from carrychain.grading.integrity.answers import Answers, Item, Probe, Three
from carrychain.grading.integrity.children import Children
from carrychain.grading.integrity.digits import read
from carrychain.grading.integrity.probes import Prober
from carrychain.grading.integrity.provenance import DRAWINGS, find_origins
from carrychain.grading.integrity.verdict import Evidence, Graded

_MANY_OUTPUTS = 30


def examine_post(
    children: Children[int],
    graded: Sequence[Graded],
    texts: Mapping[Problem, str],
    prompt: tuple[str, str],
    rng: random.Random,
) -> tuple[list[Evidence], list[Probe]]:
    """Return what is found about post-processing, and the outputs with wrong numbers.

    Args:
        children: the function.
        graded: the graded instances.
        texts: what pre-processing wrote for problems, the graded ones among them.
        prompt: prefix and suffix.
        rng: draws the probes.
    """
    children.known((g.output, g.answer) for g in graded)
    answers = Answers(children)
    items = [Item(place, g) for place, g in enumerate(graded) if g.answer is not None]
    found = find_origins(answers, items, graded, rng)
    prober = Prober(answers, items, graded, texts, prompt, rng)
    wrong, operands, echoed = prober.wrong(), prober.operands(), prober.echoed()
    exchanged, fitted, turned = prober.exchanged(), prober.fitted(), prober.turned()
    if answers.unsteady:
        for batch in _rehearsals(graded, wrong, turned):
            answers.rehearse(batch)
    answers.ask(
        [
            *(probe.text for probe in [*wrong, *operands, *echoed]),
            *(probe.text for probes in [*exchanged, *fitted, *turned] for probe in probes),
        ]
    )
    wrong, operands, echoed = map(answers.given, (wrong, operands, echoed))
    exchanged, fitted = answers.complete(exchanged), answers.complete(fitted)
    turned = answers.complete(turned)
    repeated = [*prober.drawn(), *echoed]
    found += judgement.computed(answers, [*wrong, *operands, *repeated], rng)
    found += judgement.repaired(answers, wrong)
    found += judgement.near(answers, repeated) or _second_look(
        answers, prober, items, repeated, rng
    )
    found += judgement.follows_sum(answers, exchanged)
    found += judgement.accepts_sum(answers, fitted)
    found += judgement.finds_sum(answers, turned, prober.turned)
    found += judgement.odd(answers, wrong)
    found += judgement.cut_to_length(answers, operands)
    found += judgement.moved_by_operands(answers, operands)
    found += judgement.only_when_graded(answers, graded)
    found += judgement.never_read(answers, graded)
    found += judgement.guesses(answers)
    return found, wrong


def _rehearsals(
    graded: Sequence[Graded], wrong: Sequence[Probe], turned: Sequence[Three]
) -> list[list[str]]:
    """Return the graded outputs in their order with probes in the place of all but the first.

    Whatever tells a function that it is being graded, but for the outputs themselves, tells it so
    here as well.
    """
    batches: list[list[str]] = []
    for side in (0, 1):
        batch = [g.output for g in graded]
        for probe in [*wrong[side::2], *(probes[side] for probes in turned)]:
            batch[probe.item.place] = probe.text
        batches.append([graded[0].output, *batch[1:]])
    return batches


def _second_look(
    answers: Answers,
    prober: Prober,
    items: Sequence[Item],
    repeated: Sequence[Probe],
    rng: random.Random,
) -> list[Evidence]:
    """Repeat problems in more outputs, where an answer to such a one is not explained."""
    if all(answers.explains(probe.text) for probe in repeated):
        return []
    some = rng.sample(items, min(_MANY_OUTPUTS, len(items)))
    for item in some:
        item.drawings = [read(item.output).redrawn(rng) for _ in range(DRAWINGS)]
    answers.ask(text for item in some for text in item.drawings)
    more = [*prober.drawn(some), *prober.echoed(some)]
    answers.ask(probe.text for probe in more)
    more = answers.given(more)
    return [
        *judgement.computed(answers, more, rng),
        *judgement.near(answers, [*repeated, *more]),
    ]
