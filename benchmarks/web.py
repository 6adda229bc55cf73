"""How soon each page of `carrychain serve` shows something, and how long a slider's move takes.

Run it with the Python that carrychain[web] and playwright are installed in, on a machine with
Chromium: python benchmarks/web.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from machine import machine

PAGES = ("/playground", "/next-token", "/gradient", "/grade", "/leaderboard")
VISITS = 15
MOVES = 200
PAINT_GOAL = 300  # milliseconds
SLIDER_GOAL = 8

PAINTED = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})"""

MOVED = """(moves) => {
  const sliders = [...document.querySelectorAll("input[type=range]")];
  performance.clearMeasures("slider");
  for (let move = 0; move < moves; move++) {
    const slider = sliders[move % sliders.length];
    const [low, high] = [Number(slider.min), Number(slider.max)];
    slider.value = low + (high - low) * (0.2 + 0.6 * ((move * 37) % 100) / 100);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return performance.getEntriesByName("slider").map((entry) => entry.duration);
}"""


def main() -> None:
    with lab() as address, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        print(f"{machine()}; Chromium {browser.version}, headless")

        # The pages take turns, so that a change in the machine's load touches them alike.
        paints: dict[str, list[float]] = {page: [] for page in PAGES}
        for _ in range(VISITS + 1):
            for page in PAGES:
                paints[page].append(first_paint(browser, address + page))
        print(
            f"\nfirst contentful paint, milliseconds from the navigation's start; {VISITS} visits, "
            f"nothing cached; goal {PAINT_GOAL}"
        )
        print(f"{'':<14}{'median':>8}{'slowest':>9}{'of the goal':>13}")
        for page, taken in paints.items():
            median = statistics.median(taken[1:])  # first: warm-up
            print(f"{page:<14}{median:>8.0f}{max(taken[1:]):>9.0f}{median / PAINT_GOAL:>13.2f}")

        moves = slider_moves(browser, address + "/next-token")
        median = statistics.median(moves)
        tail = statistics.quantiles(moves, n=20)[-1]
        print(
            f"\nnext token, {len(moves)} moves of its four sliders in turn: from the event to the "
            f"new layout, milliseconds; goal {SLIDER_GOAL}"
        )
        print(f"{'':<14}{'median':>8}{'95%':>9}{'of the goal':>13}")
        print(f"{'a move':<14}{median:>8.1f}{tail:>9.1f}{median / SLIDER_GOAL:>13.2f}")
        browser.close()


@contextmanager
def lab() -> Generator[str]:
    """Run `carrychain serve` on a state of its own; the value is its address."""
    with tempfile.TemporaryDirectory() as state:
        command = ["-m", "carrychain", "serve", "--no-browser", "--state", state]
        with subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stdout is not None
            try:
                yield server.stdout.readline().split()[-1]
            finally:
                server.terminate()


def first_paint(browser: Browser, url: str) -> float:
    """Return the milliseconds until a browser that was never here shows something of a page."""
    with visiting(browser, url) as page:
        return page.evaluate(PAINTED)


def slider_moves(browser: Browser, url: str) -> list[float]:
    """Return the milliseconds that the handler took for each move, as the page measures itself."""
    with visiting(browser, url) as page:
        page.locator("#bars li").first.wait_for()
        page.evaluate(MOVED, MOVES // 4)  # warm-up
        return page.evaluate(MOVED, MOVES)


@contextmanager
def visiting(browser: Browser, url: str) -> Generator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.goto(url)
        yield page
    finally:
        context.close()


if __name__ == "__main__":
    main()
