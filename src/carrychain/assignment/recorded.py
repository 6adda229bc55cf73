"""Figures that executed copies of the assignment's notebook printed: recorded, not measured here.

Ten of the same pairs in each run (one in Q2d), drawn from seed 0 with operands of one or seven
digits; temperature .7, top-k 50, top-p .6; the answer is all digits of the output joined unless
said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from carrychain.addition.problems import Problem, bounds_of_digits, handout_pairs
from carrychain.stats import Proportion

LLAMA2 = "Llama-2-7b-chat-hf"
QWEN3 = "Qwen3-8B"


@dataclass(frozen=True, slots=True)
class RecordedRun(Proportion):
    """One printed result.

    Args:
        id: notebook (A or B) and cell.
        model: short name of the model.
        prompt: name of the shipped prompt that has its text. The zero-shot runs typed the line
            break as two characters and those with the example 3+7 have a blank at the start of a
            line, so their prompts were one character longer.
        digits: digits of the operands.
        max_tokens: most generated tokens.
        n: number of problems.
        correct: how many were answered exactly.
        mae: mean absolute error.
        prompt_length: characters of prefix and suffix.
        first: place, from 0, of its first pair among those that seed 0 draws.
    """

    id: str
    model: str
    prompt: str
    digits: int
    max_tokens: int
    n: int
    correct: int
    mae: float
    prompt_length: int
    first: int = 0

    @property
    def problems(self) -> list[Problem]:
        """The pairs that were asked."""
        return handout_pairs(0, *bounds_of_digits(self.digits), self.first + self.n)[self.first :]

    @property
    def responses(self) -> tuple[int, ...]:
        """What was read from each output, 0 where nothing could be."""
        return tuple(int(response) for response in _RESPONSES[self.id].split())

    @property
    def right(self) -> list[bool]:
        """Whether each response is the sum."""
        return [p.answer == r for p, r in zip(self.problems, self.responses, strict=True)]


RUNS = (
    RecordedRun("A-10", LLAMA2, "zero-shot", 1, 2, 10, 10, 0.0, 29),
    RecordedRun("B-10", LLAMA2, "zero-shot", 1, 2, 10, 9, 0.1, 29),
    RecordedRun("A-12", LLAMA2, "zero-shot", 7, 8, 10, 2, 1751302.5, 29),
    RecordedRun("B-12", LLAMA2, "zero-shot", 7, 8, 10, 1, 964834.0, 29),
    RecordedRun("A-22", QWEN3, "zero-shot", 7, 8, 10, 9, 160.0, 29),
    RecordedRun("A-28", QWEN3, "zero-shot", 7, 20, 10, 7, 3533583498976.2, 29),
    RecordedRun("B-22", QWEN3, "zero-shot", 7, 20, 10, 7, 12019392504856.9, 29),
    RecordedRun("B-28", QWEN3, "zero-shot", 7, 20, 10, 6, 11649981022002.2, 29),
    RecordedRun("A-32", LLAMA2, "one-shot-1-digit", 7, 8, 10, 1, 1261037.6, 63),
    RecordedRun("B-32", LLAMA2, "one-shot-1-digit", 7, 8, 10, 1, 9844393.4, 63),
    RecordedRun("A-40", LLAMA2, "one-shot-1-digit", 7, 50, 10, 1, 1.7535181104765195e29, 63),
    RecordedRun("A-44", LLAMA2, "one-shot-7-digit", 7, 8, 10, 2, 821620.0, 79, first=10),
    RecordedRun("B-44", LLAMA2, "one-shot-7-digit", 7, 8, 10, 2, 816560.1, 79, first=10),
    RecordedRun(
        "A-45", LLAMA2, "one-shot-7-digit", 7, 50, 10, 0, 3.256324914690327e31, 79, first=20
    ),
    RecordedRun(
        "B-45", LLAMA2, "one-shot-7-digit", 7, 50, 10, 0, 3.255653744557156e31, 79, first=20
    ),
)

OWN_READING = RecordedRun("B-40", LLAMA2, "one-shot-1-digit", 7, 50, 10, 0, 5304259.8, 63)
"""Read by a student's function: of the first line after the last "Answer:", a number of eight
digits, else of seven, else 0."""

LARGE_ERROR = Problem(9090909, 1010101)
"""The one problem of question Q2d."""

LARGE_ERRORS = {
    "A-49": 11110003456789234567857924674567,
    "B-49": 101010091123456781234567824691356,
}
"""What was read for it, by run: Llama-2, prompt one-shot-7-digit, 50 tokens, asked once each."""

_RESPONSES = {
    "A-10": "11 4 19 15 16 11 11 11 15 9",
    "B-10": "11 5 19 15 16 11 11 11 15 9",
    "A-12": "10155336 2517511 17530200 6459722 5892625 9367109 9998656 9647800 14639761 8501592",
    "B-12": "10155436 2517511 17530200 14027388 5892625 9367109 9999999 9947800 14639761 8501562",
    "A-22": "10160736 2517511 17534232 14025191 15308276 9367329 10018909 10147800 14641761 "
    "8499992",
    "A-28": "10160736389247 25175111268762 17534232 14025191 15308276 9367329 10018909 10147800 "
    "14641761 8491592",
    "B-22": "10160736 25175112517511 17534232 14025191 15308276 9367329 10018909871663 10147800 "
    "14641761 84999923697407",
    "B-28": "10160736 2517511 17534232 14025191769834 15308276498293 9367329 87166381302271 "
    "10147800 14641761 8499592",
    "A-32": "10150436 2517511 17533242 7322295 10308266 9367129 9624909 9647800 14640761 8502572",
    "B-32": "10154439 2517511 17533280 7322295 10308166 9367129 96250003 9647800 14640361 8502577",
    "A-40": "10150436 2517511 1753328248257710592345678934567 732429164597227565 "
    "1030816627141345627429 93671292732884485362768457 96189894527183276710000132 "
    "96478005 14640761 8502572",
    "A-44": "3373428 13850825 10982064 19802497 13923901 11696213 9612864 9520366 14377408 5626548",
    "B-44": "3373428 13859925 10983464 19802497 13964000 11696213 9612864 9520366 14377408 5626548",
    "A-45": "10034543924537623456781159105475 10389301876543276543216419654987 "
    "54360407890162234567810234740345 96490045678907856789014246797987 "
    "10257176987654321987130983145678 11237109987654345678901444043376 "
    "10458493456789234567857924679876 63775607890113210981009109987654 "
    "13189076987654323456781222302176 45440726789016234567891347948579",
    "B-45": "10034513987654323456781221812175 10389301987654376543217320973456 "
    "54360457890167234567810276445345 96490045678901853421014206310987 "
    "10257176234567893456789579246789 11237579987654323456781220821165 "
    "10459491987654323456781220220177 63775609837265678341551000752367 "
    "13120466987654323456781220221176 45440729876541234561009010234567",
    "B-40": "0 0 0 7322188 0 9367129 10334999 9647800 14640211 8502592",
}
"""What was read from each output, by run, in the order of the pairs."""


def runs(*, model: str, prompt: str, digits: int, max_tokens: int) -> list[RecordedRun]:
    """Return the recorded runs of one setting, none where nothing was recorded."""
    wanted = (model, prompt, digits, max_tokens)
    return [r for r in RUNS if (r.model, r.prompt, r.digits, r.max_tokens) == wanted]
