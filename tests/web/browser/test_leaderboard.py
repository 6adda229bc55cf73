"""The class's leaderboard as a person sees it."""

import pytest
from playwright.sync_api import expect

from carrychain.grading.class_folder import create
from carrychain.grading.grader import Grade, Sandboxed
from carrychain.grading.inbox import HandIn
from carrychain.grading.integrity import Integrity

pytestmark = pytest.mark.web


def a_grade(number):
    return Grade(
        submission="submission.py",
        net_id=f"zq{number:04}",
        model="mini",
        runs=1,
        acc=(90 - number) / 100,
        acc_ci=(0.0, 1.0),
        mae=1e4 * number,
        res=None,
        prompt_length=number,
        rendered_length=40.0 + number,
        score=30.0,
        max_score=30.0,
        tests=(),
        integrity=Integrity("review" if number == 3 else "clean", (), ()),
        sandbox=Sandboxed("isolated"),
        findings=(),
        rows=(),
        seconds=1.0,
    )


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    """A lab that shows a class of 60."""
    folder = tmp_path_factory.mktemp("class") / "hw3"
    with create(folder, name="Homework 3").store() as store:
        for number in range(60):
            grade = a_grade(number)
            store.add(grade.net_id, grade)
            hand_in = HandIn(grade.net_id, program=grade.net_id.encode())
            store.belongs(hand_in, grade.net_id, [grade.net_id])
    return start_server(tmp_path_factory.mktemp("lab"), class_folder=folder)


@pytest.mark.parametrize("javascript", [True, False])
def test_pages_are_turned_forth_and_back(javascript, visit):
    page = visit("/leaderboard", javascript=javascript)
    lines = page.locator("tbody tr")
    expect(lines).to_have_count(50)
    first = lines.first.inner_text()
    page.get_by_role("link", name="Next page").focus()
    page.keyboard.press("Enter")
    expect(lines).to_have_count(10)
    expect(lines.first.locator("td").first).to_have_text("51")
    page.get_by_role("link", name="Previous page").click()
    expect(lines).to_have_count(50)
    assert lines.first.inner_text() == first


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(width, scheme, visit, check_axe):
    check_axe(visit("/leaderboard", width, scheme))
