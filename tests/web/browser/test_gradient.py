"""The page of the gradient in Chromium: moved, read, heard and taken along."""

import io
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from carrychain.rnn.flow import measure
from carrychain.web.gradient import Fields, read
from carrychain.web.gradient_work import GRID, frame

pytestmark = pytest.mark.web

SMALL = "hidden=8&steps=24"
PATIENCE = 60_000  # milliseconds; a worker may have to load its model first


def measured(**changed):
    return frame(measure(read(Fields(hidden="8", steps="24", **changed))))


@pytest.fixture
def gradient(visit):
    """`gradient(query, ...)` opens the page and waits until all positions are measured."""

    def open_page(query=SMALL, **options):
        page = visit(f"/gradient?{query}", **options)
        page.wait_for_function(
            "() => document.querySelector('#progress').textContent.startsWith('all')",
            timeout=PATIENCE,
        )
        return page

    return open_page


def settled(page):
    """Wait until the pictures show what the slider does."""
    page.wait_for_function("() => new Promise((ready) => requestAnimationFrame(() => ready(true)))")


def slide(page, s_max):
    page.evaluate(
        """(place) => {
          const slider = document.querySelector("#slider");
          slider.value = place;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        GRID.index(s_max),
    )
    settled(page)


def drawn(page, picture):
    """Return what Plotly shows in a picture: its traces' y, z and custom data."""
    return page.evaluate(
        "(id) => document.getElementById(id).data.map(({ x, y, z, customdata })"
        " => ({ x, y, z, customdata }))",
        picture,
    )


def test_the_slider_moves_words_pictures_and_numbers_at_once(gradient):
    page = gradient(f"{SMALL}&size=s_max&value=2")
    for s_max in (0.5, 4.0):
        slide(page, s_max)
        known = measured(size="s_max", value=str(s_max))
        assert page.locator("#value-shown").inner_text() == f"{s_max:g}"
        assert page.locator("#slope").inner_text() == known["slope_words"]
        assert page.locator("#meaning").inner_text() == known["meaning"]
        assert page.locator("#title").inner_text() == known["title"]
        assert page.locator("#map-alt").text_content() == known["alt_map"]
        median = drawn(page, "lags")[2]["y"]
        assert median == known["lags"]["median"]
        shades, zeros = drawn(page, "map")
        for t, row in enumerate(shades["z"]):
            assert row[t] == 0
            assert row[t + 1 :] == [None] * (24 - t)
        logs = shades["customdata"]
        lowest = min(log for t, row in enumerate(logs) for log in row[:t])
        assert shades["z"][24][0] == pytest.approx(math.asinh(logs[24][0]))
        assert lowest < 0
        assert all(cell is None for row in zeros["z"] for cell in row)
        assert drawn(page, "slopes")[1]["x"] == [pytest.approx(s_max)]
        cells = page.locator("#numbers tbody tr").last.locator("th, td").all_inner_texts()
        assert cells == known["rows"][-1]


def test_all_positions_are_measured_and_listed_and_the_turn_is_said(gradient):
    page = gradient(f"{SMALL}&init=orthogonal&size=s_max&value=1")
    slopes = drawn(page, "slopes")[0]
    assert slopes["x"] == pytest.approx(list(GRID))
    turns = [
        f"between s_max {a:g} and {b:g}"
        for (a, before), (b, after) in pairwise(zip(slopes["x"], slopes["y"], strict=True))
        if (before > 0) != (after > 0)
    ]
    assert turns
    said = page.locator("#crossing").inner_text()
    assert said.count("between") == len(turns)
    assert all(turn in said for turn in turns)
    page.get_by_text("Every position of the slider").click()
    assert page.locator("#all tbody tr").count() == len(GRID)


@pytest.mark.parametrize(("cell", "marked"), [("tanh", True), ("relu", True), ("lstm", False)])
def test_s_max_1_is_marked_where_it_decides(gradient, cell, marked):
    page = gradient(f"{SMALL}&cell={cell}")
    assert page.locator("#critical").is_visible() == marked
    if marked:
        slider, mark = (page.locator(f"#{name}").bounding_box() for name in ("slider", "critical"))
        positions = int(page.locator("#slider").get_attribute("max"))
        place = page.evaluate(
            "() => document.getElementById('critical').style.getPropertyValue('--at')"
        )
        assert float(place) == pytest.approx(GRID.index(1) / positions, abs=1.5 / positions)
        centre = mark["x"] + mark["width"] / 2 - slider["x"]
        assert centre == pytest.approx(8 + float(place) * (slider["width"] - 16), abs=2)


def test_the_link_in_the_address_bar_repeats_what_is_shown(gradient, visit, server):
    page = gradient(SMALL)
    page.locator("#slider").press("End")
    page.wait_for_function("() => location.search.includes('size=s_max&value=8')")
    words = page.locator("#slope").inner_text()
    again = visit(page.url.removeprefix(server.url))
    again.locator("#slope").filter(has_text=words).wait_for(timeout=PATIENCE)
    assert again.locator("#size").input_value() == page.locator("#size").input_value() == "s_max"
    assert again.locator("#value").input_value() == page.locator("#value").input_value() == "8"


def test_the_keyboard_alone_measures_and_moves_and_a_screen_reader_hears_it(gradient):
    page = gradient(SMALL)
    page.locator("#cell").focus()
    page.keyboard.press("G")  # GRU
    page.locator("#title").filter(has_text="GRU").wait_for(timeout=PATIENCE)
    page.locator("#slider").focus()
    page.keyboard.press("Home")
    assert page.locator("#value-shown").inner_text() == "0.25"
    heard = page.locator("#status")
    heard.filter(has_text=re.compile(r"^s_max 0\.25\. Going back")).wait_for(timeout=PATIENCE)
    assert page.locator("#slider").get_attribute("aria-valuetext").startswith("0.25, factor")


def test_norms_of_exactly_0_are_shown_as_such_and_said(gradient):
    page = gradient(f"{SMALL}&value=0")
    shades, zeros = drawn(page, "map")
    for t in range(25):
        assert zeros["z"][t][:t] == [1] * t
        assert zeros["z"][t][t:] == [None] * (25 - t)
        assert shades["z"][t][:t] == [None] * t
    assert "300 norms are exactly 0" in page.locator("#zeros").inner_text()
    assert "no slope" in page.locator("#slope").inner_text()


def test_a_wrong_field_is_said_and_the_next_right_one_is_measured(gradient):
    page = gradient(SMALL)
    page.expected.add(422)
    page.locator("#hidden").fill("300")
    page.locator("#hidden").blur()
    page.locator("#error").filter(has_text="'300'").wait_for()
    page.locator("#hidden").fill("9")
    page.locator("#hidden").blur()
    page.locator("#title").filter(has_text="9 units").wait_for(timeout=PATIENCE)
    assert page.locator("#error").is_hidden()


def test_measuring_can_be_stopped_and_what_came_stays(visit):
    page = visit("/gradient?hidden=128&steps=100&init=orthogonal")
    page.locator("#cancel").click(timeout=PATIENCE)
    page.locator("#progress").filter(has_text="stopped;").wait_for(timeout=PATIENCE)
    assert page.locator("#meaning").inner_text().startswith("s_max is 1")
    page.locator("#slider").press("End")
    assert "not measured yet" in page.locator("#slope").inner_text()


def test_the_picture_and_the_arrays_can_be_taken_along(gradient):
    page = gradient(SMALL)
    slide(page, 0.25)
    page.wait_for_function("() => location.search.includes('value=0.25')")
    files = {}
    for name in ("Save the picture", "Four panels (PNG)", "Arrays (NPZ)"):
        with page.expect_download(timeout=PATIENCE) as download:
            page.get_by_role("button", name=name).click()
        files[name] = Path(download.value.path()).read_bytes()
    assert files["Save the picture"].startswith(b"\x89PNG")
    assert files["Four panels (PNG)"].startswith(b"\x89PNG")
    with np.load(io.BytesIO(files["Arrays (NPZ)"]), allow_pickle=False) as arrays:
        assert float(arrays["s_max"]) == pytest.approx(0.25)


def test_without_javascript_the_form_answers(visit):
    page = visit(f"/gradient?{SMALL}&cell=gru", width=390, javascript=False)
    page.get_by_role("button", name="Measure").click()
    assert page.locator("#slope").inner_text() == measured(cell="gru")["slope_words"]
    assert page.locator("#drawn img").count() == 2
    assert page.locator("#numbers tbody tr").count() == len(measured()["rows"])
    assert page.locator("#slider").is_hidden()
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("button", name="Arrays (NPZ)").click()
    assert Path(download.value.path()).read_bytes().startswith(b"PK")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(gradient, check_axe, width, scheme):
    page = gradient(f"{SMALL}&cell=relu", width=width, scheme=scheme)
    page.get_by_text("Every position of the slider").click()
    page.get_by_text("What is in the NPZ file").click()
    check_axe(page)


def test_the_colours_change_evenly_from_1_to_both_sides(visit):
    page = visit("/gradient")
    ramps = page.evaluate(
        "async () => (await import('/static/gradient_figures.js')).RAMPS",
    )
    for name, ramp in ramps.items():
        light = [lightness(colour) for colour in ramp]
        steps = np.diff(light)
        outward = np.concatenate([-steps[:5], steps[5:]])
        assert (outward < 0 if name == "light" else outward > 0).all(), name
        assert abs(outward).max() < 1.5 * abs(outward).min(), name


def lightness(colour):
    """Return CIE L* of #rrggbb, 0 to 100."""
    sRGB = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(sRGB <= 0.04045, sRGB / 12.92, ((sRGB + 0.055) / 1.055) ** 2.4)
    Y = linear @ [0.2126, 0.7152, 0.0722]
    return 116 * np.cbrt(Y) - 16 if Y > 0.008856 else 903.3 * Y
