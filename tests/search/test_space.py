from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.extraction import EXTRACTIONS, extractor
from carrychain.addition.prompts import PRE_PROCESSING, SHIPPED, Prompt
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.search.recipes import POST, PRE, post_source
from carrychain.search.space import Blocks, candidate, load_blocks, toml_of, with_seed

BLOCKS = Blocks()
CHOICES = st.fixed_dictionaries(
    {name: st.integers(0, len(values) - 1) for name, values in BLOCKS.as_dict().items()}
)
FIRST = dict.fromkeys(BLOCKS.as_dict(), 0)


def made(**values: object):
    """Return the candidate of the first choice, but for the values given."""
    choice = FIRST | {name: BLOCKS.as_dict()[name].index(v) for name, v in values.items()}
    return candidate(BLOCKS, choice)


def test_no_shipped_prompt_is_a_building_block() -> None:
    texts = {str(v) for values in BLOCKS.as_dict().values() for v in values}
    for shipped in SHIPPED.values():
        assert shipped.prompt.prefix.rstrip() not in texts
        assert shipped.prompt.render("{problem}") not in texts


@given(CHOICES)
def test_every_example_in_a_prompt_is_right(choice: dict[str, int]) -> None:
    built = candidate(BLOCKS, choice)
    plain = BLOCKS.formats[choice["formats"]] == "plain"
    text = built.prompt.prefix
    for left, right in re.findall(r"(?m)^(\d\+\d\+\d)=(\d+)", text):
        assert sum(map(int, left.split("+"))) == int(right)
    n = BLOCKS.examples[choice["examples"]]
    if plain:
        pairs = re.findall(r"(\d+)\+(\d+)(?![\d+])", re.sub(r"\d\+\d\+\d=\d+", "", text))
        assert len(pairs) == n
        assert all(str(int(a) + int(b)) in text for a, b in pairs)
    assert built.sampling.max_tokens >= 50


def test_carries_and_their_order_are_as_chosen() -> None:
    kwargs = {"examples": 4, "digits": 7, "answers": "="}
    none = made(carries="none", **kwargs).prompt.prefix
    for a, b in re.findall(r"(\d+)\+(\d+)=", none):
        assert all(int(x) + int(y) < 10 for x, y in zip(a, b, strict=True))
    hard, easy = (
        made(carries="mixed", orders=order, **kwargs).prompt.prefix.splitlines()
        for order in ("hard-first", "easy-first")
    )
    carried = [len(re.findall(r"=(\d+)", line)[0]) for line in (hard[0], easy[-1])]
    assert carried == [8, 8]


def test_a_seed_prompt_is_one_of_the_choices_again() -> None:
    for shipped in SHIPPED.values():
        sampling = SamplingParams(max_tokens=50, temperature=0.2)
        grown, choice = with_seed(BLOCKS, shipped.prompt, sampling)
        assert candidate(grown, choice).prompt == shipped.prompt
        assert candidate(grown, choice).sampling == sampling


@given(st.text("0123456789 ,_\nA:x", max_size=60))
def test_post_processing_recipes_read_what_extraction_reads(output: str) -> None:
    assert set(POST) == set(EXTRACTIONS)
    for name, recipe in POST.items():
        assert recipe(output) == (extractor(name)(output) or 0), name


@given(st.text("0123456789 \nA:Sum", max_size=60), st.sampled_from(["A:", "Sum:", "="]))
def test_the_source_for_a_label_reads_after_it(output: str, label: str) -> None:
    scope: dict[str, object] = {"re": re}
    exec(post_source(f"after:{label}"), scope)
    read = scope["your_post_processing"]
    assert callable(read)
    assert read(output) == (extractor(f"after:{label}")(output) or 0)


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_pre_processing_recipes_write_what_the_search_writes(a: int, b: int) -> None:
    assert set(PRE) == set(PRE_PROCESSING)
    for name, recipe in PRE.items():
        assert recipe(f"{a}+{b}") == PRE_PROCESSING[name](f"{a}+{b}"), name


# --- a user's own blocks ---


def test_the_printed_blocks_are_read_back(tmp_path) -> None:
    path = tmp_path / "blocks.toml"
    path.write_text(toml_of(BLOCKS))
    assert load_blocks(path) == BLOCKS


def test_own_blocks_are_added_or_stand_alone(tmp_path) -> None:
    path = tmp_path / "blocks.toml"
    path.write_text('only = ["examples"]\nexamples = [2]\ninstructions = ["Rechne.\\n"]\n')
    blocks = load_blocks(path)
    assert blocks.examples == (2,)
    assert blocks.instructions == (*BLOCKS.instructions, "Rechne.\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("only = ['examples']", "no examples to choose from"),
        ("example = [1]", "did you mean examples"),
        ("examples = 3", "must be a list"),
        ("examples = ['3']", "a whole number"),
        ("max_tokens = [20]", "50 to"),
        ("questions = ['What?']", "{problem} once"),
        ("styles = ['guess']", "direct"),
        ("temperatures = [-1.0]", "temperature is -1"),
        ("only = ['examples'", "is no TOML"),
    ],
)
def test_a_wrong_file_of_blocks_is_explained(tmp_path, text: str, says: str) -> None:
    path = tmp_path / "blocks.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=re.escape(says)):
        load_blocks(path)


def test_a_prompt_without_a_line_break_is_a_seed_too() -> None:
    grown, choice = with_seed(BLOCKS, Prompt("", "="), SamplingParams())
    assert candidate(grown, choice).prompt == Prompt("", "=")
