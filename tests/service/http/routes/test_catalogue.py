"""GET /items, GET /items/{item_id} and GET /categories, over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.bundle.catalogue import Catalogue
from service.settings import Settings
from tests.data.tiny_bundle import N_ITEMS, tiny_contents
from tests.service.conftest import listening


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["item_id"] for each in answer.json()["items"]]


def test_pages_of_items_follow_one_another(client: httpx.Client) -> None:
    pages = [client.get("/items", params={"offset": offset, "limit": 16}) for offset in (0, 16, 32)]
    assert [each for page in pages for each in ids(page)] == [f"item-{i}" for i in range(N_ITEMS)]
    assert {page.json()["total"] for page in pages} == {N_ITEMS}
    beyond = client.get("/items", params={"offset": 10_000_000}).json()
    assert (beyond["items"], beyond["total"]) == ([], N_ITEMS)


def test_items_are_found_by_words_department_and_category(client: httpx.Client) -> None:
    found = ids(client.get("/items", params={"query": "thing 12"}))
    assert found == ["item-12"]
    found = ids(client.get("/items", params={"department": "SHOP", "category": "garden"}))
    assert found == [f"item-{i}" for i in range(1, 40, 2)]
    assert ids(client.get("/items", params={"category": "SHOP"})) == []
    assert ids(client.get("/items", params={"department": "no such"})) == []


def test_an_item_has_all_that_the_catalogue_has(client: httpx.Client) -> None:
    answer = client.get("/items/item-3").json()
    assert answer["bundle_id"] == client.get("/health").json()["bundle_id"]
    assert answer["item"] == {
        "item_id": "item-3",
        "name": "Thing 3",
        "department": "SHOP",
        "category": "garden",
        "subcategory": "shelf 0",
        "brand": None,
        "price": None,
        "baskets": 77,
    }


def test_categories_have_the_counts_of_their_items(client: httpx.Client) -> None:
    answer = client.get("/categories").json()
    categories = [{"category": name, "items": 20} for name in ("bakery", "garden")]
    department = {"department": "SHOP", "items": N_ITEMS, "categories": categories}
    assert answer["departments"] == [department]
    assert (answer["items"], answer["categories"]) == (N_ITEMS, 2)
    short = client.get("/categories", params={"limit": 1}).json()
    assert [each["category"] for each in short["departments"][0]["categories"]] == ["bakery"]
    assert short["categories"] == 2


@pytest.mark.parametrize("path", ["/items", "/items/item-3", "/categories", "/users"])
def test_what_has_not_changed_is_not_sent_again(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    tag = answer.headers["etag"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert client.get(path).headers["etag"] == tag
    for known in (tag, f'"other", {tag}'):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of an app whose items have odd ids and names, and lack a taxonomy in part."""
    n = N_ITEMS - 3
    catalogue = Catalogue(
        item_ids=["a/b", "a/b/related", "<i>", *(f"item-{i}" for i in range(n))],
        names=["<script>alert(1)</script>", "", "& more", *["Plain"] * n],
        departments=["", "TOOLS", "TOOLS", *["SHOP"] * n],
        categories=["", "", "saws", *["things"] * n],
        subcategories=[""] * N_ITEMS,
        brands=["Ours"] * N_ITEMS,
        prices=[1.25, None, *[2.0] * (n + 1)],
    )
    directory = tmp_path_factory.mktemp("odd")
    app = create_app(Settings(bundle=write_bundle(directory, tiny_contents(catalogue=catalogue))))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def test_ids_may_have_slashes_and_names_markup(odd: httpx.Client) -> None:
    item = odd.get("/items/a/b").json()["item"]
    assert (item["name"], item["brand"], item["price"]) == (
        "<script>alert(1)</script>",
        "Ours",
        1.25,
    )
    assert odd.get("/items/%3Ci%3E").json()["item"]["item_id"] == "<i>"
    assert ids(odd.get("/items", params={"query": "<script>"})) == ["a/b"]


def test_items_without_a_taxonomy_count_where_they_have_a_name(odd: httpx.Client) -> None:
    answer = odd.get("/categories").json()
    assert (answer["items"], answer["categories"]) == (N_ITEMS, 2)
    assert answer["departments"][1] == {
        "department": "TOOLS",
        "items": 2,
        "categories": [{"category": "saws", "items": 1}],
    }


@pytest.fixture(scope="module")
def ruled(
    connect: Callable[..., httpx.Client], tmp_path_factory: pytest.TempPathFactory
) -> httpx.Client:
    """A client of an app whose rules exclude an item and whose store has two."""
    directory: Path = tmp_path_factory.mktemp("ruled")
    (directory / "rules.yaml").write_text(
        "rules:\n- {name: not that one, action: exclude, item: item-3}\n"
    )
    stock = pa.table({"store_id": ["north"] * 2, "item_id": ["item-1", "item-3"]})
    parquet.write_table(stock, directory / "stock.parquet")
    return connect(rules=directory / "rules.yaml", availability=directory / "stock.parquet")


def test_what_may_not_go_out_is_not_found(ruled: httpx.Client) -> None:
    assert ruled.get("/items/item-3").status_code == 404
    assert ruled.get("/items/item-2").status_code == 200
    assert ruled.get("/items/item-2", params={"store_id": "north"}).status_code == 404
    assert ids(ruled.get("/items", params={"query": "item-3"})) == []
    assert ids(ruled.get("/items", params={"store_id": "north"})) == ["item-1"]
    assert ruled.get("/categories").json()["items"] == N_ITEMS - 1
    assert ruled.get("/categories", params={"store_id": "north"}).json()["items"] == 1


def test_unknown_items_are_a_problem(client: httpx.Client) -> None:
    for path in ("/items/item-99", "/items/a/b"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
