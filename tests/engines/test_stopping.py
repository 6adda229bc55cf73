"""Stop strings, found in text that arrives as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrychain.engines.stopping import StopFinder, cut


def decode_with(tokenizer: Any, tokens: Sequence[int]) -> str:
    return tokenizer.decode(
        list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
    )


def first_found(
    tokenizer: Any, tokens: Sequence[int], stops: Sequence[str]
) -> tuple[str, int] | None:
    """Return the cut text and how many tokens it took, None if no stop string was found."""
    finder = StopFinder(partial(decode_with, tokenizer), stops)
    for count, token in enumerate(tokens, 1):
        text = finder.push(token)
        if text is not None:
            return text, count
    return None


@pytest.fixture(params=["tokenizer", "metaspace_tokenizer"])
def any_tokenizer(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_stop_string_split_across_two_tokens_is_cut(any_tokenizer: Any) -> None:
    text = "What is 3+4? Answer: 7\nSo 19 étude"
    tokens = any_tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = [decode_with(any_tokenizer, [token]) for token in tokens]
    tried = 0
    for count in range(1, len(tokens)):
        before = decode_with(any_tokenizer, tokens[:count])
        border = len(before)
        stop = text[border - 1 : border + 1]
        whole = text.startswith(before) and not any(stop in piece for piece in pieces)
        if whole and text.find(stop) == border - 1 and "é" not in stop:
            tried += 1
            assert first_found(any_tokenizer, tokens, [stop]) == (text[: border - 1], count + 1)
    assert tried > 5


def test_stop_string_of_one_character_in_several_byte_tokens_is_cut(any_tokenizer: Any) -> None:
    tokens = any_tokenizer("1 𝄞 2", add_special_tokens=False)["input_ids"]
    assert not any("𝄞" in decode_with(any_tokenizer, [t]) for t in tokens)
    found = first_found(any_tokenizer, tokens, ["𝄞"])
    assert found is not None
    assert found[0] == "1 "


def test_special_tokens_are_not_part_of_the_text(tokenizer: Any) -> None:
    one, two = tokenizer("12", add_special_tokens=False)["input_ids"], tokenizer.bos_token_id
    found = first_found(tokenizer, [*one, two, *one], ["1212", "<s>"])
    assert found is not None
    assert found[0] == ""


def test_a_step_decodes_a_window_and_not_the_whole_text(tokenizer: Any) -> None:
    lengths: list[int] = []

    def decode(tokens: tuple[int, ...]) -> str:
        lengths.append(len(tokens))
        return decode_with(tokenizer, tokens)

    tokens = tokenizer("Question: What is 1234567+7654321?\n" * 20)["input_ids"]
    finder = StopFinder(decode, ["never"])
    assert all(finder.push(token) is None for token in tokens)
    assert max(lengths) < 6


def test_the_stop_string_that_is_complete_first_wins() -> None:
    assert cut("xabcd", ["abc", "b"]) == "xa"  # "b" is complete before "abc"
    assert cut("xabcd", ["bc", "abc"]) == "x"  # complete together: the longer
    assert cut("xabcd", ["z"]) is None
    assert cut("stop", ["stop"]) == ""


texts = st.text(st.sampled_from("01 \nQé☃𝄞"), max_size=30)
stop_lists = st.lists(st.text(st.sampled_from("01 \nQé☃𝄞"), min_size=1, max_size=4), max_size=3)


@given(text=texts, stops=stop_lists)
@settings(max_examples=300, deadline=None)
def test_tokens_are_cut_where_the_decoded_text_is(
    tokenizer: Any, metaspace_tokenizer: Any, text: str, stops: list[str]
) -> None:
    for chosen in (tokenizer, metaspace_tokenizer):
        tokens = chosen(text, add_special_tokens=False)["input_ids"]
        whole = decode_with(chosen, tokens)
        found = first_found(chosen, tokens, stops)
        assert (None if found is None else found[0]) == cut(whole, stops)


@given(text=texts, stop=st.text(st.sampled_from("01 \nQé☃𝄞"), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_one_stop_string_is_cut_where_str_find_finds_it(
    tokenizer: Any, text: str, stop: str
) -> None:
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    whole = decode_with(tokenizer, tokens)
    found = first_found(tokenizer, tokens, [stop])
    at = whole.find(stop)
    assert (None if found is None else found[0]) == (None if at < 0 else whole[:at])
    if found is not None:  # and no later than the token that completes it
        assert at + len(stop) > len(decode_with(tokenizer, tokens[: found[1] - 1]).rstrip("�")) or (
            "�" in decode_with(tokenizer, tokens[: found[1] - 1])
        )


@given(tokens=st.lists(st.integers(0, 399), max_size=30), stops=stop_lists)
@settings(max_examples=300, deadline=None)
def test_random_tokens_are_cut_as_their_text_is(
    tokenizer: Any, tokens: list[int], stops: list[str]
) -> None:
    found = first_found(tokenizer, tokens, stops)
    if found is not None:
        assert found[0] == cut(decode_with(tokenizer, tokens[: found[1]]), stops)
        assert cut(decode_with(tokenizer, tokens), stops) == found[0]
