"""Settings of all tests."""

from __future__ import annotations

import shutil
import signal

import pytest
from hypothesis import settings

# No timing is a test: a busy machine must not fail one.
settings.register_profile("carrychain", deadline=None)
settings.load_profile("carrychain")

# A shell that starts the tests in the background has them ignore Ctrl-C, and all that they start;
# tests that send it need what a terminal gives.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def a_grade():
    """A grade of a submission that does well."""
    from carrychain.grading.grader import Grade, Sandboxed, Test
    from carrychain.grading.integrity import Integrity

    return Grade(
        submission="submission.py",
        net_id="ab1234",
        model="mini",
        runs=1,
        acc=0.5,
        acc_ci=(0.3, 0.7),
        mae=10.0,
        res=0.001,
        prompt_length=40,
        rendered_length=41.5,
        score=30.0,
        max_score=30.0,
        tests=(Test("test_config_size", True, 1, 1, "six keys"),),
        integrity=Integrity("clean", (), ()),
        sandbox=Sandboxed("limits"),
        findings=(),
        rows=(),
        seconds=1.5,
    )


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright (the extra `web-tests`)."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
