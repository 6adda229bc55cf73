"""The first page: where the others are found."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.web


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_it_is_accessible_and_never_scrolls_sideways(visit, check_axe, width, scheme):
    check_axe(visit("/", width, scheme))


def test_every_page_is_found_from_it_by_keyboard(visit, server):
    page = visit("/")
    names = page.locator(".pages a").all_inner_texts()
    assert len(names) == 5
    for name in names:
        page.goto(server.url)
        page.locator(".pages").get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        expect(page.locator("nav [aria-current=page]")).to_have_text(name)
        expect(page).to_have_title(f"{name} · carrychain")
