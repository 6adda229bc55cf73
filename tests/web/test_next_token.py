"""The next token's answers, as a browser with or without scripts asks for them."""

from __future__ import annotations

import base64
import html
import re

import numpy as np
import pytest

from carrychain import engines
from carrychain.engines.base import SamplingParams
from carrychain.engines.next_token import next_token
from carrychain.errors import InvalidInput
from carrychain.text import share
from carrychain.web import next_token_work as work

PROMPT = "Question: What is 3+7?\nAnswer: "
FORM = {
    "model": "mini",
    "prompt": PROMPT,
    "temperature": "1.5",
    "top_k": "40",
    "top_p": ".9",
    "repetition_penalty": "1.2",
    "shown": "20",
    "seed": "0",
    "after": "",
}


@pytest.fixture(scope="module")
def mini():
    return engines.load("mini")


@pytest.fixture
def browser(visitor):
    return visitor()


def ask(browser, **text):
    return browser.post("/next-token/logits", json={"model": "mini", "prompt": PROMPT, **text})


def send(browser, **fields):
    return browser.post(
        "/next-token",
        data={"csrf": browser.csrf, **FORM, **fields},
        headers={"Accept": "text/html"},
    )


def cells(page):
    """The table's body, a list of texts a row."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    plain = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in plain]


def error(page):
    return html.unescape(re.search(r'<p class="error"[^>]*>(.*?)</p>', page, re.S)[1])


# --- what the page's script asks for --------------------------------------------------------------


def test_the_logits_are_the_models_to_the_bit(browser, mini):
    answer = ask(browser).json()
    logits = np.frombuffer(base64.b64decode(answer["logits"]), "<f4")
    np.testing.assert_array_equal(logits, mini.next_token_logits(PROMPT).numpy())
    ids = mini.encode(PROMPT)
    assert answer["before"] == [[token, mini.token_text(token)] for token in ids]
    assert answer["prompt_tokens"] == len(ids)


def test_the_logits_after_picked_tokens_are_those_of_prompt_and_tokens(browser, mini):
    answer = ask(browser, continuation=[18, 17]).json()
    logits = np.frombuffer(base64.b64decode(answer["logits"]), "<f4")
    np.testing.assert_array_equal(logits, mini.next_token_logits(PROMPT, [18, 17]).numpy())
    assert [token for token, _ in answer["before"]] == [*mini.encode(PROMPT), 18, 17]
    assert answer["prompt_tokens"] == len(mini.encode(PROMPT))


@pytest.mark.parametrize("penalty", [0.01, 1, 30])
def test_each_token_that_can_be_shown_has_its_text(mini, penalty):
    answer = work.logits({"model": "mini", "prompt": PROMPT, "continuation": []}, print, ())
    tokens = next_token(mini, PROMPT, SamplingParams(repetition_penalty=penalty))
    likeliest = sorted(tokens, key=lambda token: (-token.penalised, -token.logit, token.id))
    for token in likeliest[: work.MOST_SHOWN]:
        assert answer["texts"][str(token.id)] == token.text
    assert all(mini.ends_text(token) for token in answer["ends"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ({"model": "min"}, "there is no model 'min' here; did you mean mini?"),
        ({"prompt": "a b " * 900}, "shorten the prompt"),
        ({"prompt": "x" * 20_001}, "the prompt has 20001 characters"),
        ({"continuation": [10**9]}, "token 1000000000, but the tokens of mini"),
        ({"continuation": [-1]}, "token -1"),
        ({"continuation": [1] * 201}, "continuation: List should have at most 200 items"),
        ({"continuation": [True]}, "continuation.0: Input should be a valid integer"),
        ({"prompt": None}, "prompt: Input should be a valid string"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
    ],
)
def test_a_text_that_cannot_be_gone_on_from_is_refused_in_a_sentence(browser, text, sentence):
    answer = ask(browser, **text)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_a_model_without_logits_is_refused_in_one_sentence(tmp_path):
    from carrychain import evaluate
    from carrychain.addition.prompts import Prompt

    evaluate(prompt=Prompt("", "="), model="mini", digits=1, n=1).save(tmp_path / "run.json")
    request = {"model": f"recorded:{tmp_path / 'run.json'}", "prompt": "1", "continuation": []}
    with pytest.raises(InvalidInput, match="does not show its probabilities"):
        work.logits(request, print, ())


# --- without a script -----------------------------------------------------------------------------


def test_the_form_is_answered_with_the_distribution(browser, mini):
    params = SamplingParams(temperature=1.5, top_k=40, top_p=0.9, repetition_penalty=1.2)
    tokens = next_token(mini, PROMPT, params)
    expected = sorted(tokens, key=lambda token: (-token.penalised, -token.logit, token.id))[:20]
    page = send(browser)
    assert page.status_code == 200
    rows = cells(page.text)
    assert [row[1] for row in rows] == [f"{token.logit:.2f}" for token in expected]
    assert [row[2:7] for row in rows] == [
        [share(p) for p in (t.raw, t.penalised, t.tempered, t.top_k, t.top_p)] for t in expected
    ]
    assert {row[7] for row in rows} == {"", "top-p"}
    possible = sum(token.top_p > 0 for token in tokens)
    assert f"{possible} of 1,024 tokens can be drawn" in page.text


def test_line_breaks_of_a_form_are_those_of_the_prompt(browser):
    sent_as_forms_do = send(browser, prompt=PROMPT.replace("\n", "\r\n"))
    assert cells(sent_as_forms_do.text) == cells(send(browser).text)


def test_a_prompt_that_begins_with_a_line_break_keeps_it(browser):
    page = send(browser, prompt="\nx").text
    assert re.search(r"<textarea[^>]*>\n\nx</textarea>", page)


def test_a_token_is_added_and_taken_back(browser, mini):
    page = send(browser, after="18", add="17").text
    assert 'name="after" value="18,17"' in page
    params = SamplingParams(temperature=1.5, top_k=40, top_p=0.9, repetition_penalty=1.2)
    first, second = (
        next(t for t in next_token(mini, PROMPT, params, before) if t.id == token)
        for before, token in (([], 18), ([18], 17))
    )
    assert f"is {share(first.top_p * second.top_p)} with these values" in page
    assert f"{share(first.raw * second.raw)} before any parameter" in page
    assert 'name="after" value="18"' in send(browser, after="18,17", undo="1").text


def test_temperature_0_takes_the_likeliest(browser):
    rows = cells(send(browser, temperature="0").text)
    assert rows[0][6:] == ["1.00", ""]
    assert all(row[6:] == [".00", "temperature 0"] for row in rows[1:])


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("temperature", "warm", "temperature is 'warm'; it must be a number"),
        ("temperature", "-1", "temperature is -1.0; it must be at least 0"),
        ("temperature", "nan", "it must be a finite number"),
        ("top_k", "2.5", "top_k is '2.5'; it must be a whole number"),
        ("top_p", "2", "it must be 0 to 1"),
        ("repetition_penalty", "0", "it must be above 0"),
        ("repetition_penalty", "1e-42", "these values give no distribution"),
        ("shown", "15", "shown is 15; it must be one of 10, 20, 50, 100"),
        ("seed", "-1", "seed is -1; it must be 0 to 2^64 - 1"),
        ("after", "18,x", "after is 'x'; it must be a whole number"),
        ("after", ",".join(["18"] * 201), "201 tokens follow the prompt"),
        ("model", "gpt", "there is no model 'gpt' here"),
    ],
)
def test_a_wrong_field_is_named_and_what_was_typed_stays(browser, field, typed, sentence):
    page = send(browser, **{field: typed})
    assert page.status_code == 422
    assert sentence in error(page.text)
    if field not in ("model", "shown"):
        assert f'value="{typed}"' in page.text


def test_the_address_fills_in_the_form(browser):
    page = browser.get("/next-token", params=FORM | {"seed": "7", "after": "18,17"})
    assert page.status_code == 200
    assert f">\n{html.escape(PROMPT)}</textarea>" in page.text
    for name in ("temperature", "top_k", "top_p", "repetition_penalty"):
        assert re.search(rf'name="{name}"[^>]*value="{re.escape(FORM[name])}"', page.text)
    assert 'name="seed"' in page.text
    assert 'value="7"' in page.text
    assert 'value="18,17"' in page.text


def test_an_address_that_asks_for_what_there_is_not_says_so(browser):
    page = browser.get("/next-token?top_p=2")
    assert page.status_code == 422
    assert "it must be 0 to 1" in error(page.text)


def test_nothing_typed_acts_as_html(browser):
    attack = '</textarea><script>alert(1)</script>"><b>'
    for page in (
        browser.get("/next-token", params={"prompt": attack, "temperature": attack}),
        send(browser, prompt=attack, after=attack, seed=attack),
    ):
        assert "<script>alert" not in page.text
        assert "<b>" not in page.text
