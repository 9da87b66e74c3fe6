"""The basket that the browser keeps: damaged, forbidden, and shared by two tabs."""

from playwright.sync_api import expect

from tests.storefront.shop_page import ITEM, USER, Open, chosen, settled


def test_a_basket_that_was_stored_wrongly_is_left_out(visit: Open) -> None:
    page = visit(USER, (ITEM,))
    settled(page)
    for stored in ("5", "[null, 7, {}]", '{"item_id": 1}', "not JSON", '[["a"]]'):
        for name in ("shop.basket", "shop.user"):
            page.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, stored])
        page.reload()
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
        expect(page.get_by_role("heading", name="To begin with")).to_be_visible()
        expect(chosen(page)).to_have_count(0)
    page.locator("main .tile button").first.click()
    expect(chosen(page)).to_have_count(1)


def test_a_browser_that_stores_nothing_is_enough(visit: Open) -> None:
    page = visit()
    forbid = "{ get() { throw new DOMException('forbidden', 'SecurityError') } }"
    page.add_init_script(
        "for (const each of ['localStorage', 'sessionStorage'])"
        f"Object.defineProperty(window, each, {forbid})"
    )
    page.reload()
    settled(page)
    page.locator("main .tile button").first.click()
    expect(chosen(page)).to_have_count(1)


def test_two_tabs_have_one_basket(visit: Open, url: str) -> None:
    page = visit()
    other = page.context.new_page()
    other.goto(f"{url}/shop")
    settled(other)
    page.locator("main .tile button").first.click()
    expect(chosen(other)).to_have_count(1)
    chosen(other).get_by_role("button").click()
    expect(chosen(page)).to_have_count(0)
