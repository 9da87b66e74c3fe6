"""The documented widget, on a page of another origin."""

import re
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening
from tests.storefront.shop_page import violations

STOREFRONT = Path(__file__).parents[2] / "docs" / "storefront.md"
KEY = "a key for the page"


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
