"""GET /shop and the files behind it, over HTTP."""

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def shop(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app with a shop."""
    return connect(storefront="on")


def tracked() -> list[str]:
    """The files of the storefront."""
    command = ["git", "ls-files", "storefront"]
    return subprocess.check_output(command, cwd=ROOT, text=True).splitlines()


def test_the_shop_is_closed_by_default(client: httpx.Client) -> None:
    assert client.get("/shop").status_code == 404
    assert client.get("/shop/js/app.js").status_code == 404


def test_every_file_is_served_as_what_it_is(shop: httpx.Client) -> None:
    kinds = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
    assert len(tracked()) > 10
    for name in tracked():
        answer = shop.get(f"/shop/{name.removeprefix('storefront/')}")
        assert answer.content == (ROOT / name).read_bytes()
        kind = kinds.get(Path(name).suffix)
        expected = f"{kind}; charset=utf-8" if kind else "image/svg+xml"
        assert answer.headers["content-type"] == expected
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")


def test_the_shop_begins_with_its_page(shop: httpx.Client) -> None:
    page = shop.get("/shop")
    assert page.content == (ROOT / "storefront" / "index.html").read_bytes()
    known = {"If-None-Match": page.headers["etag"]}
    assert shop.get("/shop", headers=known).status_code == 304
    assert shop.head("/shop").status_code == 200


@pytest.mark.parametrize("page", ["shop", "console"])
def test_a_slash_behind_a_page_leads_to_the_page(shop: httpx.Client, page: str) -> None:
    answer = shop.get(f"/{page}/")
    assert (answer.status_code, answer.headers["location"]) == (308, f"../{page}")
    assert shop.get("/events/").status_code == 404


def test_the_widget_is_small(shop: httpx.Client) -> None:
    assert len(shop.get("/embed.js").content) <= 5000


@pytest.mark.parametrize(
    "path", ["nothing.js", "../pyproject.toml", "..%2Fpyproject.toml", "js", "%2e%2e/README.md"]
)
def test_nothing_else_is_served(shop: httpx.Client, path: str) -> None:
    answer = shop.get(f"/shop/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_links_lead_to_files_and_to_no_other_host() -> None:
    for name in tracked():
        text = (ROOT / name).read_text()
        hosts = set(re.findall(r"https?://[^\s\"'`]+", text))
        assert hosts <= {"http://www.w3.org/2000/svg"}, name
        for target in re.findall(r'(?:from|import) "(\.[^"]+)"', text):
            assert (ROOT / name).parent.joinpath(target).is_file(), target
    page = (ROOT / "storefront" / "index.html").read_text()
    for target in re.findall(r'(?:href|src)="shop/([^"]+)"', page):
        assert (ROOT / "storefront" / target).is_file(), target


def test_both_pages_begin_alike() -> None:
    """They are plain files, so what they share stands in both."""
    shop, console = (
        (ROOT / "storefront" / name).read_text().partition("<body")[0].splitlines()
        for name in ("index.html", "console.html")
    )
    own = ("<title>", "<script")
    shared = [line for line in shop if not line.strip().startswith(own)]
    assert len(shared) > 10
    assert [line for line in console if line in shared] == shared


def test_names_are_never_read_as_markup() -> None:
    for name in tracked():
        text = (ROOT / name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_wheel_and_image_have_every_file() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "storefront*" in setuptools["packages"]["find"]["include"]
    suffixes = {each.removeprefix("*") for each in setuptools["package-data"]["*"]}
    assert {Path(name).suffix for name in tracked()} <= suffixes
    assert "COPY storefront storefront\n" in (ROOT / "Dockerfile").read_text()
    assert "!storefront\n" in (ROOT / ".dockerignore").read_text()
