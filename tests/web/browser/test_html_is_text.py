"""Prompts, outputs, net ids and file names that are HTML do nothing in a page, and can be read."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.web

HTML = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
SUBMISSION = f"""
NAME = {HTML!r}

def your_netid():
    return NAME

def your_hf_token():
    return NAME

def your_prompt():
    return NAME + "Question: What is ", "?\\nAnswer: " + NAME

def your_config():
    return {{"max_tokens": 50, "temperature": 0.7, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1, "stop": [NAME], NAME: 1}}

def your_pre_processing(s):
    raise ValueError(NAME)

def your_post_processing(s):
    return 0
"""


def untouched(page):
    """Fail if any of it became part of the page, or ran."""
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script", has_text="pwned").count() == 0
    assert "pwned" not in page.title()


@pytest.mark.parametrize("javascript", [True, False])
def test_in_a_prompt_and_its_rows_and_tokens(visit, javascript):
    asked = {"prefix": HTML, "suffix": HTML, "n": "10", "max_tokens": "5", "digits": "1"}
    page = visit("/playground?" + urlencode(asked), javascript=javascript)
    expect(page.locator("#prefix")).to_have_value(HTML)
    untouched(page)
    page.locator("#run").click()
    expect(page.locator("#rows tbody tr")).to_have_count(10, timeout=60_000)
    untouched(page)
    page.locator("#rows tbody tr button").first.click()
    page.wait_for_load_state("networkidle")
    untouched(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_in_the_next_tokens_prompt(visit, javascript):
    page = visit("/next-token?" + urlencode({"prompt": HTML}), javascript=javascript)
    if not javascript:
        page.locator("#form button[type=submit]").first.click()
    expect(page.locator("#text .token").nth(20)).to_be_visible(timeout=60_000)
    untouched(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_in_a_submission_and_in_its_files_name(visit, javascript):
    page = visit("/grade", javascript=javascript)
    name = HTML.replace("/", "_") + ".py"
    file = {"name": name, "mimeType": "text/x-python", "buffer": SUBMISSION.encode()}
    page.locator("#files").set_input_files(file)
    page.locator("#upload button[type=submit]").click()
    expect(page.locator("#main")).to_contain_text("1 of 1 graded", timeout=60_000)
    expect(page.locator("#main")).to_contain_text("<img src=x")
    untouched(page)


def test_in_what_an_address_asks_for(visit):
    for path in ("/playground", "/next-token", "/gradient", "/leaderboard", "/grade"):
        page = visit(path)
        page.expected |= {422}
        for field in ("prompt", "model", "cell", "after", "seed", HTML):
            page.goto(f"{page.url.split('?')[0]}?{urlencode({field: HTML})}")
            assert page.locator("h1").count() == 1
            untouched(page)


def test_in_a_path_that_is_not_there(visit):
    page = visit("/playground")
    page.expected |= {404}
    page.goto(page.url.replace("/playground", "/" + urlencode({HTML: HTML})))
    expect(page.get_by_role("alert")).to_contain_text("no such page")
    untouched(page)
