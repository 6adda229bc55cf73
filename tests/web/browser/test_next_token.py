"""The page of the next token as a person uses it, and its arithmetic beside the server's."""

from __future__ import annotations

import base64
import random
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from carrychain import engines
from carrychain.engines.base import SamplingParams
from carrychain.engines.next_token import next_token
from carrychain.engines.sampling import (
    STAGES,
    draw,
    keep_top_k,
    keep_top_p,
    penalise,
    seen_tokens,
    stages,
    temper,
    uniform,
)
from carrychain.text import share

pytestmark = pytest.mark.web

PROMPT = "Question: What is 3+7?\nAnswer: "
PROMPTS = (
    PROMPT,
    "Question: What is 6732655+3428081?\nAnswer: ",
    "Question: What is 55+55?\nAnswer: 1",
    "Q: 1+1?\nA: 2\n\nQ: 22+22?\nA: 44\n\nQ: 12+12?\nA:",
    "The weather in Paris",
)

# Runs sampling.js over cases of one text; probabilities come back as float32 in base64.
COMPUTE = """async ({logits, before, cases}) => {
  const { prepare, stages, STAGES } = await import("/static/sampling.js");
  const decode = (text) => new Float32Array(
    Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const encode = (values) => {
    let text = "";
    for (const byte of new Uint8Array(values.buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const prepared = prepare(decode(logits), before);
  return cases.map((params) => {
    const computed = stages(prepared, params);
    return STAGES.map((stage) => encode(computed[stage]));
  });
}"""


@pytest.fixture(scope="module")
def mini():
    return engines.load("mini")


@pytest.fixture
def compute(visit):
    """`compute(logits, before, cases)` gives what the page makes of them, each (5, V)."""
    page = visit("/next-token")

    def run(logits, before, cases):
        answer = page.evaluate(
            COMPUTE,
            {
                "logits": base64.b64encode(logits.numpy().astype("<f4").tobytes()).decode(),
                "before": before,
                "cases": [values(case) for case in cases],
            },
        )
        return [
            np.array([np.frombuffer(base64.b64decode(stage), "<f4") for stage in case])
            for case in answer
        ]

    return run


def values(params):
    names = ("temperature", "top_k", "top_p", "repetition_penalty")
    return {name: getattr(params, name) for name in names}


def drawn_params(rng, vocabulary):
    return SamplingParams(
        temperature=rng.choice([0, 1, 0.7, rng.uniform(0.05, 3), 10 ** rng.uniform(-3, 3)]),
        top_k=rng.choice([0, 1, 50, rng.randrange(1, 100), rng.randrange(1, 2 * vocabulary)]),
        top_p=rng.choice([0, 1, 0.6, 0.9, rng.random(), rng.random()]),
        repetition_penalty=rng.choice([1, 1.3, rng.uniform(0.3, 1), rng.uniform(1, 3)]),
    )


def server_stages(logits, before, params):
    seen = seen_tokens([before], len(logits), logits.device)
    computed = stages(logits[None], seen, params)
    return np.array([computed[stage][0].numpy() for stage in STAGES])


def at_the_edge(found, logits, before, params):
    """Whether the page is right to 1e-6 in p: PyTorch's sums of float32 know top-p no better."""
    near = [
        server_stages(logits, before, SamplingParams(**(values(params) | {"top_p": p})))
        for p in (max(0.0, params.top_p - 1e-6), min(1.0, params.top_p + 1e-6))
    ]
    return any(np.abs(found - other).max() <= 1e-6 for other in near)


def test_the_page_computes_the_servers_numbers(compute, mini, monkeypatch):
    monkeypatch.setattr(mini, "token_text", str)  # a thousand texts a distribution take long
    rng = random.Random(0)
    edges = []
    for prompt in PROMPTS:
        logits, before = mini.next_token_logits(prompt), mini.encode(prompt)
        cases = [drawn_params(rng, len(logits)) for _ in range(60)]
        for params, found in zip(cases, compute(logits, before, cases), strict=True):
            tokens = sorted(next_token(mini, prompt, params), key=lambda token: token.id)
            expected = np.array([[getattr(t, stage) for t in tokens] for stage in STAGES])
            if np.abs(found - expected).max() > 1e-6:
                assert at_the_edge(found, logits, before, params), (prompt, params)
                edges.append(params)
    assert len(edges) <= 1


def exact_stages(logits, before, params):
    """The server's scores and cuts, each summed in float64, as 50,000 tokens need it for 1e-6."""
    seen = seen_tokens([before], len(logits), logits.device)
    penalised = penalise(logits[None], seen, params.repetition_penalty)
    tempered = temper(penalised, params.temperature)
    top_k = keep_top_k(tempered, params.top_k)
    scores = (logits[None], penalised, tempered, top_k, keep_top_p(top_k, params.top_p))
    return np.array([each.double().softmax(-1)[0].numpy() for each in scores])


def test_the_page_computes_the_numbers_of_a_large_vocabulary(compute):
    rng = random.Random(1)
    logits = 4 * torch.randn(50_000, generator=torch.Generator().manual_seed(1))
    before = [rng.randrange(50_000) for _ in range(30)]
    cases = [drawn_params(rng, 50_000) for _ in range(40)]
    cases = [case for case in cases if not case.greedy]
    edges = []
    for params, found in zip(cases, compute(logits, before, cases), strict=True):
        before_cuts = server_stages(logits, before, params)[:3]
        np.testing.assert_allclose(found[:3], before_cuts, atol=5e-6)
        if np.abs(found - exact_stages(logits, before, params)).max() > 1e-6:
            assert at_the_edge(found, logits, before, params), params
            edges.append(params)
    assert len(edges) <= 2


@pytest.mark.parametrize("vocabulary", [5, 1024, 50_000])
def test_ties_fall_as_on_the_server(compute, vocabulary):
    rng = random.Random(vocabulary)
    generator = torch.Generator().manual_seed(vocabulary)
    edges = []
    for kinds in (1, 2, 4, 40):  # different logits
        logits = torch.randint(kinds, (vocabulary,), generator=generator).float() - kinds / 2
        before = [rng.randrange(vocabulary) for _ in range(8)]
        cases = [drawn_params(rng, vocabulary) for _ in range(200 if vocabulary < 9999 else 5)]
        for params, found in zip(cases, compute(logits, before, cases), strict=True):
            expected = server_stages(logits, before, params)
            if np.abs(found - expected).max() > 1e-6:
                assert at_the_edge(found, logits, before, params), (kinds, params)
                edges.append(params)
    assert len(edges) <= 1


def test_scores_that_only_the_temperature_makes_equal_tie_as_on_the_server(compute):
    one = np.float32(1)
    near = [one, np.nextafter(one, np.float32(2)), np.nextafter(one, np.float32(0))]
    logits = torch.tensor(np.array([near[i % 3] for i in range(99)], dtype=np.float32))
    cases = [
        SamplingParams(temperature=t, top_k=k, top_p=p)
        for t in (0.3, 0.9, 1.1, 3.0, 7.0)
        for k in (0, 10, 50)
        for p in (0.123, 0.456, 0.789)
    ]
    for params, found in zip(cases, compute(logits, [], cases), strict=True):
        np.testing.assert_allclose(found, server_stages(logits, [], params), atol=1e-6)


def test_the_pages_draws_are_the_servers(visit):
    probs = torch.rand(3, 40, generator=torch.Generator().manual_seed(0)).softmax(-1)
    probs[:, ::3] = 0
    seeds = [0, 1, 2**53 + 1, 2**64 - 1]
    numbers = [[float(uniform([seed], step)[0]) for step in (0, 1, 77)] for seed in seeds]
    page = visit("/next-token")
    found, tokens = page.evaluate(
        """async ([seeds, rows, chosen]) => {
          const { draw, uniform } = await import("/static/sampling.js");
          return [
            seeds.map((seed) => [0, 1, 77].map((step) => uniform(BigInt(seed), step))),
            rows.map((row) => chosen.map((u) => draw(Float32Array.from(row), u))),
          ];
        }""",
        [[str(seed) for seed in seeds], probs.tolist(), chosen := [0, 0.3, 0.999, 1 - 2**-53]],
    )
    assert found == numbers
    for row, ids in zip(probs, tokens, strict=True):
        for u, token in zip(chosen, ids, strict=True):
            assert token == int(draw(row[None], torch.tensor([u], dtype=torch.float64)))


# --- as a person uses it --------------------------------------------------------------------------


def opened(visit, path="/next-token", **options):
    """A page whose bars are there."""
    page = visit(path, **options)
    expect(page.locator("#words li")).to_have_count(5, timeout=60_000)  # the model may be loading
    return page


def link(**fields):
    return "/next-token?" + urlencode({"prompt": PROMPT, **fields})


def shown_values(page):
    return page.locator("#bars .value").all_inner_texts()


def expected_values(mini, prompt, params, shown=20):
    tokens = sorted(next_token(mini, prompt, params), key=lambda t: (-t.penalised, -t.logit, t.id))[
        :shown
    ]
    return [share(token.top_p) for token in tokens]


def address(page):
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


def test_the_sliders_move_the_bars_at_once_and_without_a_request(visit, mini):
    page = opened(visit)
    assert shown_values(page) == expected_values(mini, PROMPT, SamplingParams())
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    width = page.locator("#bars li .model").nth(1).evaluate("bar => bar.offsetWidth")
    page.locator("#temperature-slider").focus()
    for _ in range(20):  # .7 and 20 steps of .05
        page.keyboard.press("ArrowRight")
    page.locator("#top_p").fill("1")
    params = SamplingParams(temperature=1.7, top_p=1)
    assert page.locator("#temperature").input_value() == "1.7"
    assert shown_values(page) == expected_values(mini, PROMPT, params)
    bar = page.locator("#bars li .fill").nth(1)
    assert bar.evaluate("bar => bar.offsetWidth") > width
    page.locator("#repetition_penalty-slider").focus()
    page.keyboard.press("End")
    params = SamplingParams(temperature=1.7, top_p=1, repetition_penalty=2)
    assert shown_values(page) == expected_values(mini, PROMPT, params)
    assert requests == []
    durations = page.evaluate("performance.getEntriesByName('slider').map((e) => e.duration)")
    assert len(durations) == 22


def test_what_falls_to_which_parameter_is_said_in_words_and_in_the_table(visit, mini):
    page = opened(visit, link(temperature=1.5, top_k=3, top_p=0.8))
    falls = page.locator("#bars .fate").all_inner_texts()
    assert falls[:4] == ["", "top-p", "top-p", "top-k"]
    first, *_ = sorted(
        next_token(mini, PROMPT, SamplingParams(temperature=1.5)), key=lambda t: -t.raw
    )
    words = page.locator("#words").inner_text()
    assert f"“1” goes from {share(first.raw)} to {share(first.tempered)}" in words
    assert "Top-k keeps the 3 likeliest tokens; 1,021 fall" in words
    assert "“1” alone has" in words
    assert "2 fall" in words
    cells = page.locator("#table tbody tr").first.locator("td").all_inner_texts()
    assert cells == [
        f"{first.logit:.2f}",
        share(first.raw),
        share(first.penalised),
        share(first.tempered),
        cells[4],
        "1.00",
        "",
    ]


def test_the_live_region_says_the_top_token_after_a_change(visit):
    page = opened(visit)
    page.locator("#temperature").fill("0")
    expect(page.locator("#status")).to_have_text("The next token is certain: “1”.")
    page.locator("#temperature").fill("3")
    page.locator("#top_p").fill("1")
    expect(page.locator("#status")).to_have_text(
        re.compile("The next token is drawn from 50, the likeliest “1” with")
    )


def test_a_token_is_picked_and_taken_back_by_keyboard(visit, mini):
    page = opened(visit, link(temperature=1, top_p=1))
    tokens = page.locator("#text .token")
    before = tokens.count()
    page.locator("#bars button").nth(1).focus()
    page.keyboard.press("Enter")
    expect(tokens).to_have_count(before + 1)
    expect(tokens.last).to_have_text("3")
    picked = next(
        t for t in next_token(mini, PROMPT, SamplingParams(temperature=1, top_p=1)) if t.text == "3"
    )
    expect(page.locator("#chance")).to_contain_text(f"the path so far is {share(picked.top_p)};")
    expect(page.locator("#chance")).to_contain_text(f"it is {share(picked.raw)}.")
    params = SamplingParams(temperature=1, top_p=1)
    tokens_after = sorted(
        next_token(mini, PROMPT, params, [picked.id]), key=lambda t: (-t.penalised, -t.logit, t.id)
    )[:20]
    assert shown_values(page) == [share(t.top_p) for t in tokens_after]
    page.locator("#undo").press("Enter")
    expect(tokens).to_have_count(before)
    assert shown_values(page) == expected_values(mini, PROMPT, params)
    expect(page.locator("#undo")).to_be_disabled()


def test_drawing_with_a_seed_writes_what_the_engine_writes(visit, mini):
    params = SamplingParams(max_tokens=6, temperature=1.6, top_k=0, top_p=0.98)
    (completion,) = mini.generate([PROMPT], params, [3])
    page = opened(visit, link(temperature=1.6, top_k=0, top_p=0.98, seed=3))
    for drawn in range(completion.tokens):
        page.locator("#draw").click()
        expect(page.locator("#text .token:not(.given)")).to_have_count(drawn + 1)
    path = [int(token) for token in page.locator("#after").input_value().split(",")]
    assert mini._decode(tuple(path)) == completion.text
    expect(page.locator("#how")).to_contain_text("Seed 3 gives")


def test_the_address_brings_back_prompt_values_and_path(visit):
    page = opened(visit)
    page.locator("#prompt").fill("Two lines\nand 1+1= ")
    expect(page.locator("#text .token").nth(1)).to_have_text("T")
    page.locator("#top_k").fill("7")
    for picked in (1, 2):
        page.locator("#likeliest").click()
        expect(page.locator("#text .token:not(.given)")).to_have_count(picked)
    expect(page.locator("#chance")).to_contain_text("so far is")
    again = opened(visit, "/next-token?" + urlsplit(page.url).query)
    assert address(again) == address(page)
    assert again.locator("#prompt").input_value() == "Two lines\nand 1+1= "
    for part in ("#text", "#chance", "#bars", "#words"):
        assert again.locator(part).inner_text() == page.locator(part).inner_text()


def test_a_wrong_value_is_named_and_the_bars_stay(visit):
    page = opened(visit)
    before = shown_values(page)
    page.locator("#top_p").fill("1.5")
    expect(page.locator("#error")).to_contain_text("Top-p must be a number from 0 to 1")
    assert page.locator("#top_p").get_attribute("aria-invalid") == "true"
    assert shown_values(page) == before
    page.locator("#top_p").fill("0.6")
    expect(page.locator("#error")).to_be_hidden()


def test_what_the_server_refuses_is_said(visit):
    page = opened(visit)
    page.expected.add(422)
    page.locator("#prompt").fill("a b " * 900)
    expect(page.locator("#error")).to_contain_text("shorten the prompt")
    expect(page.locator("#result")).to_be_hidden()
    page.locator("#prompt").fill(PROMPT)
    expect(page.locator("#bars li").first).to_be_visible()
    expect(page.locator("#error")).to_be_hidden()


def test_html_in_a_prompt_is_shown_as_text(visit):
    page = opened(visit, link(prompt="<img src=x onerror=alert(1)>\u202e"))
    text = page.locator("#text").inner_text()
    assert "\\u202e" in text or "�" in text
    assert page.locator("main img").count() == 0


def test_the_form_works_without_javascript(visit, mini):
    page = visit(link(temperature=1.5, top_p=0.99), javascript=False)
    assert not page.locator("#temperature-slider").is_visible()
    page.get_by_role("button", name="Show the next token").click()
    params = SamplingParams(temperature=1.5, top_p=0.99)
    last = page.locator("#table tbody tr td:nth-child(7)").all_inner_texts()
    assert last == expected_values(mini, PROMPT, params)
    page.get_by_role("button", name="Add 3", exact=True).click()
    assert page.locator("#prompt").input_value() == PROMPT
    picked = next(t for t in next_token(mini, PROMPT, params) if t.text == "3")
    expect(page.locator("#chance")).to_contain_text(f"is {share(picked.top_p)} with these values")
    page.get_by_role("button", name="Undo").click()
    assert page.locator("#table tbody tr td:nth-child(7)").all_inner_texts() == last


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_is_accessible_and_does_not_scroll_sideways(visit, check_axe, width, scheme):
    page = opened(visit, link(temperature=1.5, top_k=9, after="18"), width=width, scheme=scheme)
    check_axe(page)


def test_the_page_without_javascript_is_accessible(visit, check_axe):
    page = visit(link(), javascript=False)
    page.get_by_role("button", name="Show the next token").click()
    assert page.locator("#table tbody tr").count() == 20
