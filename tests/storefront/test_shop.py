"""The shop in a real browser, from a real service: one browser and one service for all tests.

They share a module, since the browser's client needs the event loop of this thread as long as it
runs, and other tests run loops of their own.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.shown_shop import (
    MARKED,
    MARKED_DEPARTMENT,
    MARKUP,
    PAIR,
    SUBSTITUTE,
    shown_contents,
)
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import ADMIN_KEY, listening, start

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
STOREFRONT = Path(__file__).parents[2] / "docs" / "storefront.md"
KEY = "a key for the page"
PATIENCE_MS = 30_000  # of a busy machine; what is there is found at once
USER = "user-00"
PAGES = [
    *("", "all", "aisle/FOOD", "aisle/FOOD/aisle%200", "search/thing", f"product/{PAIR[0]}"),
    *("users", "profile", "compare", "score", "checkout", "product/nothing", "search/nothing"),
    "all?page=99999999999999999999",
]
WIDTHS = (360, 1280, 2560)
WIDE = 1280
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
ITEM = {"item_id": PAIR[0], "name": "Thing 0", "category": "aisle 0", "price": 1.5}

Open = Callable[..., Page]


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


def test_a_page_that_waits_shows_what_will_come(visit: Open) -> None:
    page = visit()
    settled(page)
    waiting: list[Route] = []
    for each in ("**/recommend", "**/items?*", "**/categories", "**/users?*"):
        page.route(each, lambda route: waiting.append(route))
    page.reload()
    expect(page.locator(".basket .skeleton")).to_have_count(8)
    expect(page.locator("main .doors .skeleton")).to_have_count(12)
    expect(page.locator("main .tiles .skeleton")).to_have_count(12)
    page.evaluate("location.hash = '#/users'")
    expect(page.locator("main .people .skeleton")).to_have_count(6)
    for route in waiting:
        route.continue_()
    page.unroute_all()
    settled(page)
    expect(page.locator("main .person")).not_to_have_count(0)


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


def test_a_service_that_sheds_is_asked_again_and_the_basket_is_kept(visit: Open) -> None:
    page = visit()
    settled(page)
    # It would be asked again in ten minutes.
    detail, later = "Too many requests at once.", {"Retry-After": "600"}
    page.route("**/recommend", lambda route: refuse(route, 503, detail, later))
    page.locator("main .tile button").first.click()
    expect(page.locator(".basket .notice")).to_contain_text(
        "cannot answer just now. Too many requests at once."
    )
    expect(chosen(page)).to_have_count(1)
    assert_accessible_and_fitting(page, "busy")
    page.unroute("**/recommend")
    page.get_by_role("button", name="Try again now").click()
    settled(page)
    expect(page.locator(".notice")).to_have_count(0)


def test_a_service_that_does_not_answer_is_waited_for(visit: Open) -> None:
    page = visit()
    page.route("**/items?*", lambda route: route.abort())
    page.evaluate("location.hash = '#/all'")
    expect(page.locator("main .notice")).to_contain_text("cannot answer just now.")
    page.unroute("**/items?*")
    expect(page.locator("main .tile")).to_have_count(24)  # without being told to


def test_a_key_is_asked_for_where_one_is_needed_and_opens_all_at_once(visit: Open) -> None:
    page = visit()
    settled(page)

    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer the key":
            route.continue_()
        else:
            refuse(route, 401, "Send an API key as Authorization: Bearer …")

    for each in ("**/items?*", "**/recommend", "**/categories"):
        page.route(each, guard)
    page.goto(page.url)
    page.reload()
    expect(page.get_by_label("API key")).not_to_have_count(1)
    assert_accessible_and_fitting(page, "locked")
    form = page.locator(".basket form")
    form.get_by_label("API key").fill("a wrong one")
    form.get_by_role("button", name="Use this key").click()
    form.get_by_label("API key").fill("the key")
    form.get_by_role("button", name="Use this key").click()
    settled(page)
    expect(page.get_by_label("API key")).to_have_count(0)
    expect(page.locator("main .tile")).to_have_count(24)
    expect(page.locator("main .doors a")).not_to_have_count(0)
    expect(page.locator(".aisles a")).not_to_have_count(0)


def test_what_another_bundle_does_not_have_leaves_the_basket(visit: Open) -> None:
    gone = {**ITEM, "item_id": "no longer there", "name": "Old Thing"}
    page = visit(None, (gone, ITEM))
    expect(page.get_by_text("No longer sold, and taken out: Old Thing.")).to_be_visible()
    expect(chosen(page)).to_have_count(1)


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


@pytest.fixture
def console(visit: Open, url: str) -> Page:
    """The console, with the admin key."""
    page = visit(USER, (ITEM,), viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(f"{url}/console")
    page.get_by_label("API key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Use this key").click()
    return page


def test_the_console_shows_what_runs_and_tries_without_changing(console: Page) -> None:
    page = console
    expect(page.get_by_text("Knows purchases up to")).to_be_visible()
    expect(page.get_by_text("Workers ready")).to_be_visible()

    expect(page.get_by_role("region", name="Swaps").get_by_role("row")).not_to_have_count(1)
    expect(page.locator("#quality .gauge")).not_to_have_count(0)
    expect(page.locator("#live .stages li")).to_have_count(8)

    page.get_by_label("Most of one category").fill("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#bench table")).to_have_count(2)
    expect(page.locator("#bench tr.absent").first).to_contain_text("not there")
    expect(page.locator("#bench")).to_contain_text("With category_cap 1")
    expect(page.locator("#bench")).to_contain_text("goes with Thing 0")
    rules = page.get_by_label("The text of a rules file")
    rules.fill("rules:\n- {name: wrong, action: nothing}\n")
    page.get_by_role("button", name="What would it change?").click()
    page.get_by_role("button", name="Line 2").click()
    selected = "document.activeElement.value.slice(document.activeElement.selectionStart)"
    assert page.evaluate(selected) == "- {name: wrong, action: nothing}\n"
    rules.fill(f"rules:\n- {{name: no more, action: exclude, item: {PAIR[1]}}}\n")
    page.get_by_role("button", name="What would it change?").click()
    expect(page.locator("#rules").get_by_role("cell", name="not there").first).to_be_visible()
    many = re.compile(r"recent requests? tried.*: \d+ answers? would change, ")
    expect(page.locator("#rules").get_by_text(many)).to_be_visible()

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert_accessible_and_fitting(page, "console")


def test_the_console_tells_the_state_of_each_worker_and_of_what_is_beside_it(
    console: Page,
) -> None:
    workers = console.get_by_role("region", name="Workers").get_by_role("row")
    expect(workers.nth(1)).to_contain_text(re.compile(r"^the only oneyes[0-9a-f]{16}none"))
    rows = console.get_by_role("region", name="memcached and Kafka").get_by_role("row")
    expect(rows.filter(has_text="memcached")).to_contain_text("Not configured")
    expect(rows.filter(has_text="Kafka")).to_contain_text("Not configured")

    since = "rtt2vec_worker_since_timestamp_seconds"
    figures = [
        'rtt2vec_circuit_open{store="memcached"} 1.0',
        'rtt2vec_kafka_consuming{topic="purchases"} 0.0',
        'rtt2vec_kafka_lag_messages{topic="purchases"} 1234.0',
        f'{since}{{bundle_id="",pid="101-0"}} 0.0',
        f'{since}{{bundle_id="older",pid="101-0"}} 0.0',
        f'{since}{{bundle_id="newer",pid="101-0"}} 1.7e+09',
        f'{since}{{bundle_id="",pid="99-2"}} 1.8e+09',
        'rtt2vec_worker_rules_checksum{pid="101-0"} 43981.0',
        'rtt2vec_worker_rules_checksum{pid="99-2"} 0.0',
    ]
    console.route("**/metrics", lambda route: route.fulfill(body="\n".join(figures)))
    expect(workers.nth(1)).to_contain_text(re.compile("^99nononenone.*2027"))
    expect(workers.nth(2)).to_contain_text(re.compile("^101yesnewer0000abcd.*2023"))
    expect(workers).to_have_count(3)
    expect(rows.filter(has_text="memcached")).to_contain_text("circuit open in 1 worker,")
    behind = "Not consuming the topic purchases, 1,234 messages behind."
    expect(rows.filter(has_text="Kafka")).to_contain_text(behind)
    console.unroute("**/metrics")


def test_the_console_changes_the_bundle_and_goes_back_once_asked(
    console: Page, bundle: Path
) -> None:
    page = console
    figures = page.locator("#bundle .figures dd")
    expect(figures.first).to_have_text(bundle.name)
    contents = shown_contents()
    newer = write_bundle(bundle.parent, replace(contents, build={**contents.build, "day": 2}))
    for button, old, new in (("Load the newest", bundle, newer), ("Go back", newer, bundle)):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == ""
        page.get_by_role("button", name="No").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name=button).click()
        page.get_by_role("button", name="Yes").click()
        expect(page.locator("#told")).to_have_text(f"Bundle {new.name} answers.")
        expect(figures.first).to_have_text(new.name)
        expect(figures.last).to_have_text(old.name)
        swaps = page.get_by_role("region", name="Swaps").get_by_role("row")
        what = "took over" if new is newer else "answered again"
        expect(swaps.nth(1)).to_contain_text(f"Bundle {new.name} {what}")
    assert (bundle.parent / "current").resolve() == bundle


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[str, dict[str, str]]]:
    """The origin of another server, and its pages by path."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "<!doctype html><title>Page</title>").encode())

        def log_message(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", pages
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def keyed(
    elsewhere: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a service whose only key is for pages of the other server."""
    directory = tmp_path_factory.mktemp("keyed")
    file = directory / "keys.toml"
    digest = sha256(KEY.encode()).hexdigest()
    file.write_text(
        f'[[keys]]\nname = "page"\nsha256 = "{digest}"\nscopes = ["recommend"]\n'
        f'origins = ["{elsewhere[0]}"]\n'
    )
    bundle = write_bundle(directory / "bundles", tiny_contents())
    app = create_app(Settings(bundle=bundle, api_keys=file, storefront="on"))
    app.state.swap.start()
    with listening(app) as client:
        yield str(client.base_url).rstrip("/")


def documented_page(service: str, key: str) -> str:
    """The page of docs/storefront.md, for this service and with this key."""
    (page,) = re.findall(r"```html\n(.*?)```", STOREFRONT.read_text(), re.DOTALL)
    changes = {"http://127.0.0.1:8000": service, "YOUR KEY": key, "1082185 995242": "item-1 item-3"}
    for old, new in changes.items():
        assert old in page
        page = page.replace(old, new)
    return str(page)


def test_the_documented_widget_works_on_a_page_of_another_origin(
    browser: Browser, elsewhere: tuple[str, dict[str, str]], keyed: str
) -> None:
    origin, pages = elsewhere
    pages["/widget"] = documented_page(keyed, KEY)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{origin}/widget")
        entries = page.locator("rtt2vec-recommendations a")
        expect(entries).to_have_count(6)
        expect(page.get_by_text("Goes with it")).to_be_visible()
        assert violations(page) == ""
        href = entries.first.get_attribute("href") or ""
        assert href.startswith(f"{origin}/products/item-")
        page.evaluate("document.querySelector('rtt2vec-recommendations').setAttribute('k', 3)")
        expect(entries).to_have_count(3)
        page.evaluate(
            "document.addEventListener('rtt2vec-choose', event => {"
            " event.preventDefault(); document.title = event.detail.item_id })"
        )
        entries.first.click()
        assert page.title() == href.rpartition("/")[2]


def test_a_key_of_a_page_is_of_no_use_elsewhere(browser: Browser, url: str, keyed: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{url}/shop/icon.svg")  # of another origin than the key's
        ask = f"fetch('{keyed}/recommend', {{method: 'POST', body: '{{}}', headers: "
        ask += f"{{'Content-Type': 'application/json', Authorization: 'Bearer {KEY}'}}}})"
        outcome = page.evaluate(f"{ask}.then(() => 'answered', () => 'blocked')")
        assert outcome == "blocked"


def refuse(route: Route, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
    content = json.dumps({"status": status, "detail": detail})
    headers = {"Content-Type": "application/problem+json"} | (headers or {})
    route.fulfill(status=status, body=content, headers=headers)


def test_a_substitute_leads_to_its_page(visit: Open) -> None:
    page = visit()
    go(page, f"product/{SUBSTITUTE[0]}")
    page.locator("main").get_by_role("link", name="Thing 2", exact=True).click()
    expect(page.get_by_role("heading", name="Thing 2", exact=True)).to_be_visible()
