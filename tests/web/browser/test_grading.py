"""The page of grades as a person uses it: by mouse, by keyboard alone, and without JavaScript."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.web

SUITE = Path(__file__).parents[2] / "grading" / "suite"
HONEST = SUITE / "honest/first_number.py"
CHEAT = SUITE / "cheats/post/ast_binop.py"
SLEEPER = SUITE / "attacks/sleeps.py"
HOSTILE_NAME = "<img src=x onerror=document.title='taken'>.py"
LONG = 120_000


def file(name, content):
    return {"name": name, "mimeType": "text/x-python", "buffer": content}


def upload(page, *files):
    given = [f if isinstance(f, dict) else file(f.name, f.read_bytes()) for f in files]
    page.get_by_label("Submissions").set_input_files(given)
    page.get_by_role("button", name="Grade").click()


def test_several_submissions_are_graded_while_the_page_is_open(visit, check_axe):
    page = visit("/grade")
    upload(page, HONEST, file(HOSTILE_NAME, CHEAT.read_bytes()))
    expect(page.locator("#progress")).to_have_text("2 of 2 graded.", timeout=LONG)
    expect(page.locator("#submission-1")).to_contain_text("30 of 30")
    expect(page.locator("#submission-2")).to_contain_text("Flagged")
    expect(page.locator("#submission-2 h2")).to_have_text(HOSTILE_NAME)
    expect(page.locator("#status")).to_have_text("2 of 2 graded.")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert "taken" not in page.title()
    assert page.locator("#main img").count() == 0
    page.get_by_role("link", name=HOSTILE_NAME).click()
    assert page.url.endswith("#submission-2")
    check_axe(page)


def test_checks_are_there_before_the_grade(visit):
    page = visit("/grade")
    upload(page, SLEEPER)
    expect(page.locator("#progress")).to_contain_text("The file is being checked", timeout=LONG)
    expect(page.locator("#submission-1")).to_contain_text("took too long", timeout=LONG)
    expect(page.locator("#submission-1")).not_to_contain_text("of 30")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress")).to_have_text("Cancelled; 0 of 1 graded.", timeout=LONG)


def test_the_keyboard_alone_is_enough(visit):
    page = visit("/grade")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # to the content
    page.keyboard.press("Tab")
    expect(page.get_by_label("Submissions")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Or a submission's source")).to_be_focused()
    page.keyboard.insert_text(HONEST.read_text())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#progress")).to_have_text("1 of 1 graded.", timeout=LONG)
    expect(page.locator("#submission-1")).to_contain_text("30 of 30")


def test_without_javascript_the_page_refreshes_until_it_is_graded(visit):
    page = visit("/grade", javascript=False)
    upload(page, HONEST)
    expect(page.locator("#progress")).to_have_text("1 of 1 graded.", timeout=LONG)
    expect(page.locator("#submission-1")).to_contain_text("30 of 30")


def test_files_that_are_too_large_are_not_sent(visit):
    page = visit("/grade")
    upload(page, file("a.py", bytes(5_000_000)))
    expect(page.locator("#files-size")).to_have_text(
        "These files have 5.0 MB, and 4 MB is the most."
    )
    assert page.url.endswith("/grade")
    upload(page, HONEST)
    expect(page.locator("#progress")).to_be_visible()


def test_an_empty_form_is_answered_with_what_to_do(visit):
    page = visit("/grade")
    page.expected.add(422)
    page.get_by_role("button", name="Grade").click()
    expect(page.get_by_role("alert")).to_contain_text("choose a file, or paste a source")


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_accessible(width, scheme, visit, check_axe):
    check_axe(visit("/grade", width, scheme))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_grade_is_accessible_on_a_telephone(scheme, visit, check_axe):
    page = visit("/grade", 390, scheme)
    upload(page, CHEAT, SUITE / "attacks/nothing_at_all.py")
    expect(page.locator("#progress")).to_have_text("2 of 2 graded.", timeout=LONG)
    check_axe(page)
