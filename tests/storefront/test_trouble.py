"""The shop beside a service that is slow, busy, away, locked or changed."""

from playwright.sync_api import Route, expect

from tests.storefront.shop_page import (
    ITEM,
    Open,
    assert_accessible_and_fitting,
    chosen,
    refuse,
    settled,
)


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
