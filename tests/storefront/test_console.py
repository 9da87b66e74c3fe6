"""The console in a browser."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from service.bundle.bundle import write_bundle
from tests.data.shown_shop import (
    PAIR,
    shown_contents,
)
from tests.service.conftest import ADMIN_KEY
from tests.storefront.shop_page import (
    ITEM,
    USER,
    WIDTHS,
    Open,
    assert_accessible_and_fitting,
    violations,
)


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
