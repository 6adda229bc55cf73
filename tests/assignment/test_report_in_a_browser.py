"""The report as Chromium shows it. Needs Debian's chromium and the extra `web-tests`."""

import pytest

pytestmark = pytest.mark.web

SCHEMES = ("light", "dark")


@pytest.fixture
def show(chromium):
    """Open a report; return the page and the addresses that it asked for."""
    pages = []

    def open_page(folder, width=1280, scheme="light"):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "report.html").as_uri(), wait_until="networkidle")
        return page, asked

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("copy", ["students", "instructors"])
def test_no_request_leaves_the_page(show, copy, scheme, request):
    folder = request.getfixturevalue(copy)
    page, asked = show(folder, scheme=scheme)
    outside = [url for url in asked if not url.startswith("data:")]
    assert outside == [(folder / "report.html").as_uri()]
    sizes = page.eval_on_selector_all("img", "all => all.map(each => each.naturalWidth)")
    assert sizes
    assert all(sizes)


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_the_page_never_scrolls_sideways_but_its_boxes_do(show, students, width):
    page, _ = show(students, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    widths = page.eval_on_selector_all(
        ".box", "all => all.map(box => [box.getBoundingClientRect().right, box.scrollWidth])"
    )
    assert all(right <= width for right, _ in widths)
    if width == 390:
        assert max(inner for _, inner in widths) > width


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(show, instructors, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = show(instructors, width, scheme)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_pictures_and_ground_follow_the_scheme(show, students):
    looks = []
    for scheme in SCHEMES:
        page, _ = show(students, scheme=scheme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        looks.append((ground, page.evaluate("document.querySelector('img').currentSrc")))
    assert looks[0][0] != looks[1][0]
    assert looks[0][1] != looks[1][1]


def test_on_paper_dark_pages_are_light_and_nothing_is_cut(show, students):
    page, _ = show(students, width=700, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    assert page.eval_on_selector(".box", "box => getComputedStyle(box).overflowX") == "visible"


def test_every_question_is_reached_from_the_keyboard(show, students):
    page, _ = show(students)
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == ["#q1a", "#q2b", "#asked"]
    page.keyboard.press("Enter")
    assert page.url.endswith("#asked")
