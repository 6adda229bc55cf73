"""What the embedded model was trained on: true sums, and none that it is tested on."""

import re
from itertools import islice, pairwise
from random import Random

import pytest

from carrychain.addition.problems import bounds_of_digits, handout_pairs
from carrychain.mini import corpus

DOCUMENTS = 3000


def texts():
    return ["".join(s.text for s in d) for d in islice(corpus.documents(11), DOCUMENTS)]


def test_pairs_that_the_evaluator_draws_are_held_out():
    kept = corpus.held_out_pairs()
    for digits in corpus.HELD_OUT_DIGITS:
        for pair in handout_pairs(37, *bounds_of_digits(digits), 200):
            assert (pair.a, pair.b) in kept
            assert (pair.b, pair.a) in kept


def test_no_held_out_pair_is_ever_drawn():
    rng = Random(0)
    drawn = [corpus.draw_problem(rng, 5, None) for _ in range(200_000)]
    assert not corpus.held_out_pairs().intersection((p.a, p.b) for p in drawn)


def test_a_held_out_pair_that_chance_proposes_is_drawn_again(monkeypatch):
    held = handout_pairs(0, 1_000_000, 9_999_999, 1)[0]
    proposals = iter([held.a, held.b, 1_111_111, 2_222_222])
    monkeypatch.setattr(corpus, "_operand", lambda rng, digits, special: next(proposals))
    problem = corpus.draw_problem(Random(1), 7, None)
    assert (problem.a, problem.b) == (1_111_111, 2_222_222)


def test_every_column_that_is_written_is_right():
    columns = [c for t in texts() for c in re.findall(r"\b(\d)\+(\d)\+([01])=(\d+)\b", t)]
    assert len(columns) > 5000
    assert all(int(x) + int(y) + int(carry) == int(total) for x, y, carry, total in columns)


ANNOUNCED_BACKWARD = re.compile(r"backward|revers", re.IGNORECASE)
NUMBER = r"(?:\d(?: \d)+|\d{1,3}(?:,\d{3})+|\d+)"


def read(written: str) -> int:
    return int(re.sub(r"[ ,]", "", written))


@pytest.mark.parametrize("seed", range(3))
def test_every_sum_in_the_corpus_is_right(seed):
    stated = 0
    for document in islice(corpus.documents(seed), DOCUMENTS):
        text = "".join(s.text for s in document)
        backward = bool(ANNOUNCED_BACKWARD.search(text))
        for question, answer in pairwise(document):
            operands = re.findall(rf"({NUMBER})(?:\+| \+ | plus )({NUMBER})", question.text)
            if answer.weight != corpus.ANSWER_WEIGHT or not operands:
                continue
            a, b = (read(x) for x in operands[-1])
            if "~" in answer.text:
                assert answer.text == corpus.estimate(a + b)
                continue
            total = re.findall(NUMBER, answer.text)[-1]
            stated += 1
            if not backward:
                assert read(total) == a + b, text
                continue
            turned = int(re.sub(r"[ ,]", "", total)[::-1])
            a_turned, b_turned = (int(re.sub(" ", "", x)[::-1]) for x in operands[-1])
            assert turned in (a + b, a_turned + b_turned), text
    assert stated > 10_000


def test_an_estimate_is_the_nearest_round_number():
    assert corpus.estimate(10_160_736) == "~10 million"
    assert corpus.estimate(2_500_000) == "~3 million"
    assert corpus.estimate(94_999) == "~90 thousand"


def test_the_corpus_is_the_same_for_the_same_seed():
    assert list(islice(corpus.documents(3), 20)) == list(islice(corpus.documents(3), 20))
    assert list(islice(corpus.documents(3), 20)) != list(islice(corpus.documents(4), 20))
