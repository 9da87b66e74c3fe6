"""The shop by the keyboard alone."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.storefront.shop_page import Open, chosen, recommended, settled


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(250):
        page.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement"):
            return
    pytest.fail(f"The keyboard does not lead to {target}.")


def test_the_keyboard_alone_is_enough_for_the_whole_walk(visit: Open) -> None:
    page = visit(reduced_motion="reduce")
    settled(page)
    tab_to(page, page.get_by_role("link", name="Skip to the products"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    def enter(target: Locator) -> None:
        tab_to(page, target)
        page.keyboard.press("Enter")

    enter(page.get_by_role("link", name="Log in"))
    tab_to(page, page.get_by_label("Number or name"))
    page.keyboard.type("user-01")
    enter(page.get_by_role("button", name="Customer user-01"))
    expect(page.get_by_role("heading", name="Customer user-01")).to_be_visible()
    enter(page.get_by_role("navigation", name="Aisles").get_by_role("link", name="Food"))
    enter(page.locator("main").get_by_role("link", name="Thing 0", exact=True))
    enter(page.get_by_role("button", name="Add to the basket"))
    expect(chosen(page)).to_have_count(1)

    page.get_by_label("Search the shop").focus()
    page.keyboard.type("thing 17")
    expect(page.locator("main .tile")).to_have_count(1)
    tab_to(page, page.locator("main .tile button"))
    page.keyboard.press("Space")
    expect(chosen(page)).to_have_count(2)
    # The focus stays where it was, so that the same key takes it out again.
    page.keyboard.press("Space")
    expect(chosen(page)).to_have_count(1)

    # What was taken leaves the list, and the focus goes to what comes next.
    settled(page)
    tab_to(page, recommended(page).nth(1).get_by_role("button"))
    page.keyboard.press("Space")
    expect(chosen(page)).to_have_count(2)
    settled(page)
    expect(recommended(page).nth(1).get_by_role("button")).to_be_focused()
    for left in (1, 0):
        chosen(page).last.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(chosen(page)).to_have_count(left)
    expect(page.get_by_role("heading", name="To begin with")).to_be_focused()
    page.locator("main .tile button").first.press("Space")
    expect(chosen(page)).to_have_count(1)

    settled(page)
    enter(page.get_by_role("button", name="As a stranger"))
    expect(page.get_by_role("button", name="As a stranger")).to_be_focused()
    settled(page)
    enter(page.get_by_role("link", name="Side by side"))
    expect(page.locator("main h2")).to_have_count(2)
    settled(page)
    enter(page.get_by_role("link", name="Judge this basket"))
    expect(page.locator(".gauge figcaption")).to_have_count(2)
    settled(page)
    enter(page.get_by_role("link", name="Check out"))
    enter(page.get_by_role("button", name="Buy"))
    expect(page.get_by_text("1 purchase written down")).to_be_visible()
    settled(page)
    enter(page.get_by_role("link", name="Next basket"))
    expect(page.get_by_role("heading", name="What will it be today?")).to_be_visible()
