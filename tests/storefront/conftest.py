"""The shop in a real browser, from a real service: one of each for the tests of a module.

They do not outlive the module, since the browser's client needs the event loop of this thread as
long as it runs, and other tests run loops of their own.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.bundle.bundle import write_bundle
from tests.data.shown_shop import shown_contents
from tests.service.conftest import start
from tests.storefront.shop_page import Open

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 30_000  # of a busy machine; what is there is found at once


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("No chromium: `make chromium` installs it with apt-get; elsewhere, install it.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the bundle that the service begins with."""
    return write_bundle(tmp_path_factory.mktemp("shop") / "bundles", shown_contents())


@pytest.fixture(scope="module")
def url(bundle: Path) -> Iterator[str]:
    """Where the service listens."""
    directory = bundle.parents[1]
    flags = ["--storefront", "on", "--events", str(directory / "events")]
    # How long a bundle takes to answer is of no interest here.
    flags += ["--canary-slowdown-limit", "1000"]
    with ExitStack() as running:
        yield start(running, directory / "log", bundle.parent, *flags).url


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Open]:
    """Opens the shop, with a basket and as a user; what the page's console says is in `said`."""
    with ExitStack() as opened:

        def visit(
            user: str | None = None, basket: tuple[dict[str, Any], ...] = (), **options: Any
        ) -> Page:
            context = opened.enter_context(browser.new_context(**options))
            context.set_default_timeout(PATIENCE_MS)
            stored = {"shop.user": json.dumps(user), "shop.basket": json.dumps(basket)}
            context.add_init_script(
                f"for (const [name, value] of Object.entries({json.dumps(stored)}))"
                "if (localStorage.getItem(name) === null) localStorage.setItem(name, value)"
            )
            page = context.new_page()
            page.goto(f"{url}/shop")
            return page

        yield visit
