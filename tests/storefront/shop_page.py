"""What is on a page of the shop, and whether it is fit to be seen."""

import json
from collections.abc import Callable
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.data.shown_shop import PAIR

USER = "user-00"
ITEM = {"item_id": PAIR[0], "name": "Thing 0", "category": "aisle 0", "price": 1.5}
WIDTHS = (360, 1280, 2560)
WIDE = 1280
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
Open = Callable[..., Page]


def settled(page: Page) -> None:
    """Wait until nothing is on its way."""
    expect(page.locator("[aria-busy], .skeleton")).to_have_count(0)
    expect(recommended(page)).not_to_have_count(0)


def go(page: Page, to: str) -> None:
    page.evaluate("to => { location.hash = to }", f"#/{to}")
    expect(page.locator("main h1")).not_to_have_count(0)
    settled(page)


def recommended(page: Page) -> Locator:
    return page.locator(".answers .line")


def chosen(page: Page) -> Locator:
    return page.locator(".chosen .line")


def assert_accessible_and_fitting(page: Page, name: str) -> None:
    """At its present width, in both colour schemes."""
    size = page.viewport_size
    assert size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], (name, size)
    if size["width"] > WIDE:  # nothing that axe looks at differs from the width below it
        return
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == "", (name, size, scheme)


def violations(page: Page) -> str:
    """What axe finds, in words."""
    found = Axe().run(page).response["violations"]
    return "\n".join(f"{each['help']}: {each['nodes'][0]['html']}" for each in found)


def refuse(route: Route, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
    content = json.dumps({"status": status, "detail": detail})
    headers = {"Content-Type": "application/problem+json"} | (headers or {})
    route.fulfill(status=status, body=content, headers=headers)
