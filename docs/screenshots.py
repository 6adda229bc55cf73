"""Pictures of the browser lab for docs/browser.md: every page, three widths, light and dark.

Run it with the Python that carrychain[web] and playwright are installed in, on a machine with
Chromium: python docs/screenshots.py

What they show is real: a class of submissions that are graded first, and runs on the embedded
model, so this takes some minutes.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps
from playwright.sync_api import Page, expect, sync_playwright

from carrychain.addition.prompts import SHIPPED
from carrychain.web.playground.asked import Side
from carrychain.web.playground.submission import write

IMAGES = Path(__file__).parent / "images" / "browser"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {390: 1200, 1280: 960, 1920: 1000}
"""Windows: their heights by their widths; a short page's picture ends where it ends."""
TOPS = {"playground-run": "#results"}
"""What the picture of a page begins with, where it is not the page's top."""
QUALITY = 46
FRAME = "#8a9199"
LONGEST = 300_000  # milliseconds

COMPARED = "/playground?compare=on&prompt=zero-shot&b_prompt=best&n=30&run=1"
CLASS = ("zero-shot", "one-shot-7-digit", "few-shot", "steps", "columns", "best")
TOKENS = "/next-token?prompt=Question:%20What%20is%206732655%2B3428081?%0AAnswer:%20&top_p=0.95"


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        submissions = hand_ins(Path(folder, "in"))
        graded = a_class(Path(folder, "adding-2026"), submissions)
        with lab(Path(folder, "state"), graded) as address, sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            context = browser.new_context(base_url=address)
            context.set_default_timeout(LONGEST)
            expect.set_options(timeout=LONGEST)
            page = context.new_page()
            for name, prepare in PREPARED.items():
                for width, height in SIZES.items():
                    page.set_viewport_size({"width": width, "height": height})
                    prepare(page, submissions)
                    for scheme in SCHEMES:
                        picture(page, name, scheme)
            browser.close()
    total = sum(file.stat().st_size for file in IMAGES.iterdir())
    print(f"{IMAGES}: {total / 1e6:.2f} MB")


def picture(page: Page, name: str, scheme: Literal["light", "dark"]) -> None:
    """Write a picture of what the window shows of a page, with a line around it."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.locator(TOPS.get(name, "body")).evaluate(
        "(top) => { document.activeElement?.blur(); top.scrollIntoView(); }"
    )
    page.wait_for_timeout(400)  # plots are redrawn for a scheme
    end = page.evaluate("Math.ceil(document.body.getBoundingClientRect().bottom)")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    width, height = shot.size
    shown = shot.crop((0, 0, width, min(height, end)))
    framed = ImageOps.expand(shown, border=1, fill=FRAME)
    framed.save(IMAGES / f"{name}-{width}-{scheme}.webp", quality=QUALITY, method=6)


# --- the pages, with something on them ------------------------------------------------------------


def playground(page: Page, submissions: list[Path]) -> None:
    """Show two prompts before they run."""
    page.goto(COMPARED.removesuffix("&run=1"))


def run(page: Page, submissions: list[Path]) -> None:
    """Show two prompts compared, to the end."""
    page.goto(COMPARED)
    page.locator("#downloads").wait_for()


def next_token(page: Page, submissions: list[Path]) -> None:
    """Show how the model begins its answer to seven digits."""
    page.goto(TOKENS)
    expect(page.locator("#text")).to_contain_text("6732655")


def gradient(page: Page, submissions: list[Path]) -> None:
    """Show a network with all positions of its slider measured."""
    page.goto("/gradient")
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("#progress")).to_contain_text("all")


def grade(page: Page, submissions: list[Path]) -> None:
    """Show the grades of two submissions."""
    page.goto("/grade")
    page.locator("#files").set_input_files(submissions[:2])
    page.locator("#upload button[type=submit]").click()
    expect(page.locator("#main")).to_contain_text("2 of 2 graded")


def leaderboard(page: Page, submissions: list[Path]) -> None:
    """Show the class's board."""
    page.goto("/leaderboard")


PREPARED: dict[str, Callable[[Page, list[Path]], None]] = {
    "playground": playground,
    "playground-run": run,
    "next-token": next_token,
    "gradient": gradient,
    "grade": grade,
    "leaderboard": leaderboard,
}


# --- what stands behind them ----------------------------------------------------------------------


def hand_ins(folder: Path) -> list[Path]:
    """Write a submission for each of the class's prompts."""
    folder.mkdir()
    files: list[Path] = []
    for number, name in enumerate(CLASS):
        file = folder / f"ab{1000 + 7 * number}.py"
        file.write_text(write(Side.shipped(SHIPPED[name]), file.stem), encoding="utf-8")
        files.append(file)
    return files


def a_class(folder: Path, submissions: list[Path]) -> Path:
    """Grade a class of these submissions."""
    for command in (
        ["new", folder, "--name", "Adding, 2026"],
        ["add", folder, *submissions],
        ["run", folder],
    ):
        arguments = [str(each) for each in command]
        subprocess.run(
            [sys.executable, "-m", "carrychain", "class", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return folder


@contextmanager
def lab(state: Path, class_folder: Path) -> Generator[str]:
    """Run `carrychain serve`; the value is its address."""
    options = ["--no-browser", "--state", str(state), "--class", str(class_folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "carrychain", "serve", *options], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
