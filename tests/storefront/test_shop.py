"""The shop in a browser: whole walks through it, and what its pages show."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.data.shown_shop import (
    MARKED,
    MARKED_DEPARTMENT,
    MARKUP,
    PAIR,
    SUBSTITUTE,
)
from tests.storefront.shop_page import (
    ITEM,
    USER,
    WIDTHS,
    Open,
    assert_accessible_and_fitting,
    chosen,
    go,
    recommended,
    settled,
    violations,
)

PAGES = [
    *("", "all", "aisle/FOOD", "aisle/FOOD/aisle%200", "search/thing", f"product/{PAIR[0]}"),
    *("users", "profile", "compare", "score", "checkout", "product/nothing", "search/nothing"),
    "all?page=99999999999999999999",
]


def test_the_whole_walk(visit: Open) -> None:
    page = visit()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)

    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Number or name").fill(USER)
    page.get_by_role("button", name=f"Customer {USER}").click()
    expect(page.get_by_role("heading", name="The rhythm of buying")).to_be_visible()
    baskets = page.locator("main .lead").inner_text()

    page.get_by_role("navigation", name="Aisles").get_by_text("Food").click()
    expect(page.locator("main .tile")).to_have_count(24)
    page.get_by_role("navigation", name="Aisles").get_by_text("aisle 0", exact=True).click()
    expect(page.locator("main .tile")).to_have_count(10)
    page.locator("main").get_by_role("link", name="Thing 0", exact=True).click()
    rule = re.compile(r"^Bought together in \d+ baskets, 2\.0 times as often as by chance$")
    expect(page.get_by_text(rule)).to_be_visible()
    expect(page.get_by_text("At least 25 % of those who buy it")).to_be_visible()

    page.get_by_role("button", name="Add to the basket").click()
    expect(chosen(page)).to_have_count(1)
    settled(page)
    reasons = recommended(page).locator("p").all_inner_texts()
    assert len(reasons) == 8
    assert (
        "Rests on what you bought before and your basket." in page.locator(".answers").inner_text()
    )
    recommended(page).first.get_by_role("button").click()
    expect(chosen(page)).to_have_count(2)
    page.reload()
    expect(chosen(page)).to_have_count(2)

    page.get_by_role("link", name="Side by side").click()
    expect(page.locator("main h2")).to_have_text(["As a stranger", f"As customer {USER}"])
    settled(page)
    page.get_by_role("link", name="Judge this basket").click()
    expect(page.locator(".gauge figcaption")).to_have_text(["Yours", "Real"])
    expect(page.get_by_text(re.compile("^fits, "))).to_have_count(2)
    expect(page.get_by_text("An odd basket.")).to_be_visible()
    expect(page.locator("main .line", has_text="Take it out").first).to_contain_text("of 100")

    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text("2 purchases written down")).to_be_visible()
    expect(page.locator("main .tile").get_by_text("Bought just now")).to_have_count(2)
    expect(chosen(page)).to_have_count(0)
    settled(page)
    assert_accessible_and_fitting(page, "thanks")
    page.get_by_role("link", name="Your profile").click()
    expect(page.locator("main .lead")).not_to_have_text(baskets)
    assert errors == []


def test_a_basket_is_odd_or_not_and_what_is_foreign_to_the_user_is_marked(visit: Open) -> None:
    own = [{**ITEM, "item_id": f"item-{i:02}", "name": f"Thing {i}"} for i in range(5)]
    foreign = {**ITEM, "item_id": "item-45", "name": "Thing 45", "category": "aisle 4"}
    page = visit(USER, (*own, foreign))
    go(page, "score")
    expect(page.locator("main .line.unknown")).to_have_text(re.compile("^Thing 45You never bought"))
    expect(page.get_by_text(re.compile("^does not fit, "))).to_have_count(1)
    # Without it the basket is more likely to be the user's, and that of a person.
    changes = page.locator("main section", has_text="What would change it most").locator(".line")
    without = changes.filter(has_text="Thing 45")
    expect(without).to_contain_text(re.compile(r"^Thing 45Take it out\+\d+ of 100$"))
    without.get_by_role("button", name="Take out Thing 45").click()
    expect(page.locator("main .line.unknown")).to_have_count(0)
    settled(page)
    expect(page.get_by_text("An odd basket.")).to_have_count(0)


def test_a_stranger_who_buys_is_known_afterwards(visit: Open) -> None:
    page = visit(basket=(ITEM,))
    settled(page)
    assert "Your own habit" not in page.locator(".answers").inner_text()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text("1 purchase written down")).to_be_visible()
    expect(page.locator(".who")).to_contain_text("Customer guest-")


def test_every_page_is_accessible_and_fits(visit: Open) -> None:
    page = visit(USER, (ITEM,), reduced_motion="reduce")
    for each in PAGES:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            go(page, each)
            assert_accessible_and_fitting(page, each)


def test_on_a_phone_the_basket_opens_from_below(visit: Open) -> None:
    page = visit(None, (ITEM,), viewport={"width": 360, "height": 700}, reduced_motion="reduce")
    expect(page.get_by_text("Basket, 1 product")).to_be_visible()
    expect(chosen(page)).to_be_hidden()
    page.get_by_role("button", name="Open").click()
    expect(chosen(page)).to_be_visible()
    settled(page)
    assert violations(page) == ""


def test_markup_in_names_is_text(visit: Open) -> None:
    page = visit("<i>nobody</i>", ({**ITEM, "item_id": MARKED, "name": MARKUP},))
    expect(chosen(page).get_by_text(MARKUP)).to_be_visible()
    expect(page.locator(".who")).to_have_text("Customer <i>nobody</i>")
    go(page, f"product/{MARKED}")
    expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
    expect(
        page.get_by_role("navigation", name="Aisles").get_by_text(MARKED_DEPARTMENT)
    ).to_be_visible()
    go(page, "search/%3Cimg%20src%3Dx%20onerror%3D1%3E")
    expect(page.locator("main h1")).to_have_text("“<img src=x onerror=1>”")
    assert page.locator("img, main i, main b").count() == 0
    assert page.title() != "read as markup"


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_lists_move_unless_motion_is_unwelcome(visit: Open, motion: str, *, moves: bool) -> None:
    page = visit(USER, (ITEM,), reduced_motion=motion)
    settled(page)
    page.evaluate(
        "window.moved = 0; const animate = Element.prototype.animate;"
        "Element.prototype.animate = function (...how)"
        "{ moved += 1; return animate.apply(this, how) }; null"
    )
    recommended(page).first.get_by_role("button").click()
    expect(chosen(page)).to_have_count(2)
    settled(page)
    assert (page.evaluate("window.moved") > 0) is moves
    breathes = "getComputedStyle(document.querySelector('.skeleton')).animationName"
    page.evaluate("document.querySelector('main').innerHTML = '<p class=skeleton></p>'")
    assert (page.evaluate(breathes) != "none") is moves


def test_the_shop_works_behind_a_prefix(visit: Open, url: str) -> None:
    page = visit()
    settled(page)
    asked: list[str] = []

    def pass_on(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_(url=route.request.url.replace("/behind/a/proxy", ""))

    page.route(f"{url}/**", pass_on)
    for name in ("shop", "console"):
        page.goto(f"{url}/behind/a/proxy/{name}")
        expect(page.locator("main .tile, .figures, form.notice").first).to_be_visible()
    assert {each.startswith(f"{url}/behind/a/proxy/") for each in asked} == {True}


def test_a_product_that_is_not_sold_says_so(visit: Open) -> None:
    page = visit()
    go(page, "product/%3Cb%3Enothing%3C%2Fb%3E")
    expect(page.get_by_role("heading", name="Not sold here")).to_be_visible()
    expect(page.locator("main")).to_contain_text("no product with the number <b>nothing</b>")
    expect(page.locator("main .notice")).to_have_count(0)


def test_a_substitute_leads_to_its_page(visit: Open) -> None:
    page = visit()
    go(page, f"product/{SUBSTITUTE[0]}")
    page.locator("main").get_by_role("link", name="Thing 2", exact=True).click()
    expect(page.get_by_role("heading", name="Thing 2", exact=True)).to_be_visible()


def test_nothing_is_fetched_from_elsewhere_and_the_first_page_is_small(
    visit: Open, url: str
) -> None:
    page = visit()
    settled(page)
    fetched = page.evaluate(
        "performance.getEntriesByType('resource').map(each => [each.name, each.encodedBodySize])"
    )
    assert {name.startswith(url) for name, _ in fetched} == {True}
    assert sum(size for _, size in fetched) < 150_000
