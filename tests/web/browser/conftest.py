"""Chromium, a running lab, and what every look at a page checks. Needs Debian's chromium."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest

SCHEMES = ("light", "dark")

if find_spec("playwright") is None:  # the extra `web-tests` brings it, for `make test-web`
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory):
    """The lab on a free port of this machine, one for all tests: `.url`, `.pid`, `.state`."""
    return start_server(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def visit(chromium, server):
    """Open a page of the lab as a person with a browser of their own would.

    `visit(path, width=1280, scheme="light", javascript=True)` returns Playwright's page. The test
    fails if the page wrote an error to the console, a script failed, an answer was 4xx or 5xx that
    `page.expected` (a set of statuses) does not name, or a request left the server's address.
    """
    contexts = []
    troubles = []
    here = urlsplit(server.url).netloc

    def open_page(path, width=1280, scheme="light", javascript=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=javascript,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.expected = set()

        def asked(request):
            url = urlsplit(request.url)
            if url.scheme not in ("data", "blob") and url.netloc != here:
                troubles.append(f"asked {request.url}")

        def answered(response):
            if response.status >= 400 and response.status not in page.expected:
                troubles.append(f"{response.status} for {response.url}")

        def said(message):
            # Chromium writes a line for each failed answer; those are judged in `answered`.
            if message.type == "error" and "Failed to load resource" not in message.text:
                troubles.append(f"console: {message.text}")

        context.on("request", asked)
        context.on("response", answered)
        page.on("console", said)
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.goto(server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def check_axe():
    """Fail unless axe-core finds nothing in a page, and it does not scroll sideways."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page):
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    return check
