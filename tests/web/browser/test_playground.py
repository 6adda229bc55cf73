"""The playground in Chromium, used as a person would: by mouse, by keyboard, without a script."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from carrychain.addition.evaluation import Evaluation

pytestmark = pytest.mark.web

QUICK = "n=12&digits=2&temperature=0&stop=%5Cn"
SLOW = "n=1000&max_tokens=200&run=1"
PATIENCE = 90_000


def answered(page):
    page.locator("#state", has_text="has answered").wait_for(timeout=PATIENCE)
    return page


def shown(page):
    return page.locator("#rows > tbody > tr:not(.detail)")


def test_rows_arrive_and_the_address_repeats_the_run(visit) -> None:
    page = visit(f"/playground?{QUICK}")
    assert page.locator("#run-section").is_hidden()
    page.get_by_label("Problems", exact=True).fill("14")
    page.locator("#run").click()
    answered(page)
    assert shown(page).count() == 14
    table = page.get_by_role("table", name="Rows: choose an output to see its tokens")
    assert table.get_by_role("row").count() == 15
    assert table.get_by_role("rowheader", name="14").count() == 1
    assert table.get_by_role("columnheader", name="Verdict").count() == 1
    assert re.search(
        r"\(95% interval \.\d+ to [.\d]+\), \d+ of 14", page.locator(".far").inner_text()
    )
    results = page.locator("#results").inner_text()
    assert "res" in results
    assert "mean absolute error" in results
    outputs = page.locator("button.output").all_text_contents()
    address = page.url
    assert parse_qs(urlsplit(address).query) == {
        **{"n": ["14"], "digits": ["2"], "temperature": ["0"], "stop": ["\\n"], "run": ["1"]}
    }
    again = visit(address.removeprefix(address[: address.index("/playground")]))
    answered(again)
    assert again.locator("button.output").all_text_contents() == outputs


def test_wrong_digits_are_marked_not_by_colour_alone(visit) -> None:
    page = visit("/playground?n=30&digits=7&stop=%5Cn&prompt=few-shot&run=1")
    answered(page)
    wrong = shown(page).filter(has_text="✗").filter(has=page.locator("mark"))
    assert wrong.count() > 0
    assert "wrong from the right:" in wrong.first.text_content()
    mark = wrong.first.locator("mark").first
    assert mark.evaluate("e => getComputedStyle(e).textDecorationLine") == "underline"
    for row in shown(page).filter(has_text="✓ right").all():
        assert row.locator("mark").count() == 0


def test_a_row_shows_its_tokens_by_keyboard_and_hides_them_again(visit, check_axe) -> None:
    page = visit(f"/playground?{QUICK}&run=1")
    answered(page)
    button = page.locator("button.output").nth(3)
    for key in ("Enter", "Space"):
        button.focus()
        page.keyboard.press(key)
        tokens = page.locator("#detail .tokens tbody tr")
        tokens.first.wait_for()
        assert button.get_attribute("aria-expanded") == "true"
        assert tokens.first.locator("code").count() == 6
        check_axe(page)
        page.keyboard.press(key)
        page.locator("#detail").wait_for(state="detached")
        assert button.get_attribute("aria-expanded") == "false"


def test_a_click_anywhere_on_a_row_shows_its_tokens(visit) -> None:
    page = visit(f"/playground?{QUICK}&compare=on&run=1")
    answered(page)
    row = shown(page).nth(2)
    row.locator("td[data-letter=b]").nth(1).click()
    page.locator("#detail .tokens").wait_for()
    assert row.locator("button.output").nth(1).get_attribute("aria-expanded") == "true"
    page.get_by_role("link", name="Go on by hand").click()
    page.wait_for_url("**/next-token?**")


def test_two_prompts_are_compared_in_words_that_the_test_supports(visit, check_axe) -> None:
    page = visit("/playground?n=20&prompt=best&compare=on&b_prompt=best&run=1", width=1920)
    answered(page)
    sentence = page.locator("#results p").first.inner_text()
    assert "No difference between prompt A and prompt B can be told at n = 20" in sentence
    page.get_by_label("Begin with a shipped prompt").nth(1).select_option("zero-shot")
    page.get_by_role("button", name="Fill in prompt B").click()
    page.locator("#notes", has_text="Prompt B is now zero-shot").wait_for()
    page.locator("#run").click()
    page.locator("#state", has_text="answering").wait_for(timeout=PATIENCE)
    answered(page)
    sentence = page.locator("#results p").first.inner_text()
    assert sentence.startswith("Prompt B is right less often than prompt A:")
    assert "McNemar p" in sentence
    check_axe(page)


def test_a_run_is_taken_along(visit, tmp_path) -> None:
    page = visit(f"/playground?{QUICK}&run=1")
    answered(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    download.value.save_as(tmp_path / "run.json")
    assert Evaluation.load(tmp_path / "run.json").complete
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_text().splitlines()) >= 13
    page.get_by_label("Your net id").fill("ab1234")
    with page.expect_download() as download:
        page.get_by_role("button", name="submission.py", exact=True).click()
    download.value.save_as(tmp_path / "submission.py")
    page.get_by_text("Decoding parameters").first.click()
    page.get_by_label("Temperature").first.fill("0.9")
    page.get_by_text("Load a submission.py").click()
    page.get_by_label("File").set_input_files(tmp_path / "submission.py")
    page.get_by_role("button", name="Load into prompt A").click()
    page.locator("#notes", has_text="your_post_processing did on").wait_for(timeout=PATIENCE)
    assert page.locator("#temperature").input_value() == "0"


def test_a_wrong_value_is_said_and_kept(visit) -> None:
    page = visit("/playground")
    page.expected.add(422)
    page.get_by_label("Prefix").first.fill("1" * 200_001)
    page.locator("#run").click()
    page.get_by_role("alert").filter(has_text="at most 200,000 are taken").wait_for()
    assert len(page.get_by_label("Prefix").first.input_value()) == 200_001


def test_the_preview_shows_what_the_model_sees(visit) -> None:
    page = visit("/playground")
    page.get_by_label("Prefix").first.fill("Q:\\n ")
    page.get_by_label("Suffix").first.fill("\nA: ")
    page.get_by_label("Write the problem").first.select_option("spaced")
    page.get_by_label("Digits").fill("2")
    assert page.locator(".side-a .preview").inner_text() == "Q:↵\n 1 2 + 7 6↵\nA:·"
    assert "have 8 characters" in page.locator(".side-a .length").inner_text()


def test_texts_are_shown_as_text(visit) -> None:
    page = visit("/playground?n=10&digits=1&prefix=%3Cimg+src%3Dx%3E%E2%80%AE&suffix=%3D&run=1")
    answered(page)
    assert page.locator("main img").count() == 0
    assert "<img src=x>\\u202e" in page.locator(".side-a .preview").inner_text()


def test_cancel_keeps_the_rows_and_leaves_the_page_usable(visit) -> None:
    page = visit(f"/playground?{SLOW}")
    page.locator("button.output").first.wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Cancel").click()
    page.locator("#state", has_text="Cancelled").wait_for(timeout=PATIENCE)
    assert 0 < shown(page).count() < 1000
    assert page.locator("#downloads").is_hidden()


def test_without_a_script_the_form_runs_and_the_page_follows(visit, check_axe) -> None:
    page = visit(f"/playground?{QUICK}", javascript=False)
    page.get_by_label("Begin with a shipped prompt").first.select_option("few-shot")
    page.get_by_role("button", name="Fill in").first.click()
    assert "5207431+2610348" in page.get_by_label("Prefix").first.input_value()
    page.get_by_label("Compare two prompts").check()
    page.locator("#run").click()
    page.wait_for_url("**/playground/runs/*")
    answered(page)
    assert shown(page).count() == 12
    assert page.locator("#results p.first").is_visible()
    page.locator("button.output").nth(1).click()
    assert "prompt B" in page.locator("h1").inner_text()
    assert page.locator(".tokens tbody tr").count() > 0
    page.get_by_role("link", name="Back to the run").click()
    assert shown(page).count() == 12


def test_a_run_can_be_cancelled_without_a_script(visit) -> None:
    page = visit("/playground?n=1000&max_tokens=200", javascript=False)
    page.locator("#run").click()
    page.get_by_role("button", name="Cancel").click()
    page.locator("#state", has_text="Cancelled").wait_for(timeout=PATIENCE)
    assert shown(page).count() < 1000
    assert page.get_by_role("button", name="Cancel").count() == 0


def test_a_thousand_rows_arrive_in_order_and_lay_out_apart(visit) -> None:
    page = visit("/playground?n=1000&digits=1&max_tokens=2&compare=on&b_max_tokens=2&run=1")
    answered(page)
    assert shown(page).count() == 1000
    numbers = page.locator("#rows > tbody > tr > th").all_text_contents()
    assert numbers == [str(i + 1) for i in range(1000)]
    far = shown(page).nth(900)
    assert not far.locator("td").first.evaluate(
        "e => e.checkVisibility({ contentVisibilityAuto: true })"
    )
    far.scroll_into_view_if_needed()
    assert far.locator("button.output").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_is_accessible_and_fits(visit, check_axe, width, scheme) -> None:
    page = visit(f"/playground?{QUICK}&compare=on&run=1", width=width, scheme=scheme)
    answered(page)
    page.locator("button.output").first.click()
    page.locator("#detail .tokens").wait_for()
    check_axe(page)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a.button")]
          .filter((e) => e.checkVisibility() && !e.matches(".unseen, [type=checkbox]"))
          .map((e) => e.getBoundingClientRect().height)"""
    )
    assert min(sizes) >= 24
