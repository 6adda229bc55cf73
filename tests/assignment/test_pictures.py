"""Pictures show every value, in words that stay text, and the same bytes each time."""

import re
from xml.etree import ElementTree

import pytest

from carrychain.assignment.experiment import Axis, Panel, Picture, Point, Series
from carrychain.assignment.pictures import DARK, LIGHT, SCHEMES, draw

SHARE = Axis("accuracy (share of exact sums)", low=0, high=1)
TENS = tuple(Point(10.0**k, 10.0**-k) for k in range(6))
CATEGORIES = ("first-integer", "all-digits", "a very long name of a way to read an answer")


def picture(*panels: Panel, title="mini, n = 100; lines are 95% intervals") -> Picture:
    return Picture("name", title, "what is seen", panels)


DIGITS = Axis("digits")


def panel(*series: Series, x=DIGITS, y=SHARE, title="panel", bars=False) -> Panel:
    return Panel(title, x, y, series, bars)


def svg(drawn: Picture, scheme=LIGHT) -> str:
    return draw(drawn, scheme).svg.decode()


def words(drawn: Picture) -> str:
    tree = ElementTree.fromstring(draw(drawn).svg)
    texts = tree.iter("{http://www.w3.org/2000/svg}text")
    return "\n".join("".join(text.itertext()) for text in texts)


LINES = picture(
    panel(
        Series("no example", (Point(1, 0.9, 0.8, 1.0), Point(7, 0.1, 0.05, 0.2))),
        Series("recorded, Llama-2", (Point(7, 0.2, 0.05, 0.5),), recorded=True, joined=False),
    )
)
BARS = picture(
    panel(
        Series("8 tokens", tuple(Point(i, 0.2 * i, 0.1, 0.6) for i in range(3))),
        Series("50 tokens", tuple(Point(i, 0.3 * i) for i in range(3))),
        Series("recorded, Qwen3", (Point(0, 0.7, 0.4, 0.9),), recorded=True),
        x=Axis("way of reading", categories=CATEGORIES),
        bars=True,
    )
)
KINDS = {
    "lines": LINES,
    "bars": BARS,
    "histogram": picture(panel(Series("a", (Point(7, 3), Point(12, 9))), y=Axis("n"), bars=True)),
    "log": picture(panel(Series("a", TENS), x=Axis("x", "log"), y=Axis("y", "log"))),
    "symlog": picture(
        panel(
            Series("a", (Point(0, -1e22), Point(1, 0.0), Point(2, 0.01))), y=Axis("res", "symlog")
        )
    ),
    "categories on y": picture(
        panel(
            Series("a", (Point(0.2, 0), Point(0.4, 2))), x=SHARE, y=Axis("", categories=CATEGORIES)
        )
    ),
    "one point": picture(panel(Series("a", (Point(1, 0),)), y=Axis("error"))),
    "nothing": picture(panel(Series("a", ())), panel()),
    "five panels": picture(*(panel(Series("a", TENS), title=f"number {i}") for i in range(5))),
    "huge": picture(panel(Series("a", (Point(1, 3.2e31), Point(2, 0))), y=Axis("error"))),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.name)
def test_every_kind_is_drawn_the_same_each_time(kind, scheme):
    first, second = draw(KINDS[kind], scheme), draw(KINDS[kind], scheme)
    assert first == second
    assert first.png.startswith(b"\x89PNG")
    assert b"<dc:date>" not in first.svg


def test_text_is_text_with_names_titles_and_units():
    said = words(BARS)
    for part in ("8 tokens", "recorded, Qwen3", "way of reading", "first-integer", "accuracy"):
        assert part in said
    assert "95% intervals" in words(LINES)


def test_the_ground_is_transparent_and_the_ink_fits_the_page():
    assert LIGHT.ink in svg(LINES)
    assert LIGHT.ink not in svg(LINES, DARK)
    assert DARK.ink in svg(LINES, DARK)
    for scheme in SCHEMES:
        assert not re.search(r'id="patch_1">\s*<path[^>]*fill: #', svg(LINES, scheme))


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("scheme", "ground"), [(LIGHT, "#ffffff"), (DARK, "#14171a")])
def test_marks_and_text_stand_out_from_the_page(scheme, ground):
    assert contrast(scheme.ink, ground) >= 7
    assert all(contrast(colour, ground) >= 3 for colour in (*scheme.series, scheme.recorded))


def test_recorded_marks_are_hollow():
    assert "fill: none; stroke" in svg(LINES) or "fill-opacity: 0; stroke" in svg(LINES)
    ours = picture(panel(LINES.panels[0].series[0]))
    hollow = svg(LINES).count("fill-opacity: 0; stroke") + svg(LINES).count("fill: none; stroke")
    filled = svg(ours).count("fill-opacity: 0; stroke") + svg(ours).count("fill: none; stroke")
    assert hollow > filled


def test_series_differ_without_colour():
    both = panel(Series("a", TENS), Series("b", TENS), y=Axis("y"))
    lines = re.findall(r"stroke-dasharray: [\d., ]+", svg(picture(both)))
    assert lines  # the first is solid, the second is not
    bars = svg(BARS)
    assert "<pattern" in bars  # the second is hatched


def test_a_log_axis_holds_zero_and_no_value_is_lost():
    drawn = picture(
        panel(Series("a", (Point(1, 0), Point(2, 5), Point(3, 1e31))), y=Axis("error", "log"))
    )
    assert "\n0\n" in words(drawn)
    assert {"10²⁷", "10³¹"} <= set(words(drawn).split("\n"))


def test_a_value_that_is_not_finite_is_said_not_to_be_drawn():
    assert "1 not a finite number" in words(
        picture(panel(Series("a", (Point(1, float("inf")), Point(2, 1))), y=Axis("error")))
    )


def test_panels_that_measure_the_same_share_its_range():
    error = Axis("error")
    drawn = picture(
        panel(Series("a", (Point(1, 0), Point(2, 0.001))), y=error),
        panel(Series("a", (Point(1, 0), Point(2, 800))), y=error),
    )
    assert ".001" not in words(drawn)
    assert words(drawn).count("error") == 1


def test_text_is_shown_as_it_is():
    drawn = picture(panel(Series("costs $5 & <b> $6\n\x1b", TENS)), title="$x^2$ ↵ <script>")
    assert "costs $5 & <b> $6↵␛" in words(drawn)
    assert "$x^2$" in words(drawn)
    assert "<script>" not in svg(drawn)


def test_ticks_read_as_in_the_tables():
    said = words(picture(panel(Series("a", TENS), x=Axis("x", "log")))).split("\n")
    assert ".2" in said
    assert "0.2" not in said
    assert "1,000" in said
