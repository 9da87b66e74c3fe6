"""What the shop sells: `GET /items`, `GET /items/{item_id}` and `GET /categories`."""

from collections import Counter
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from service.bundle.taxonomy import Level
from service.http.entity_tags import NOT_MODIFIED, tagged
from service.http.parameters import STORE
from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.http.schemas import TIDIED, Answer, CatalogueItem, id_length
from service.serving.served import Served
from service.serving.serving import Serving
from service.settings import Settings
from service.support.arrays.array_types import Bool, Int32

_OFFSET_LIMIT = 10_000_000
_CATEGORY_LIMIT = 1000


class Item(CatalogueItem):
    """One item of the catalogue."""

    department: str
    subcategory: str
    brand: str | None = Field(description="Null if the shop's data have none.")
    price: float | None = Field(description="Null if the shop's data have none.")
    baskets: int = Field(description="Baskets with it that the bundle was built from.")

    @classmethod
    def of(cls, served: Served, item: int) -> "Item":
        """Return the item with this index."""
        bundle = served.bundle
        catalogue = bundle.catalogue
        return cls.at(
            item,
            catalogue,
            department=catalogue.departments[item],
            subcategory=catalogue.subcategories[item],
            brand=catalogue.brands[item] if catalogue.brands is not None else None,
            price=catalogue.prices[item] if catalogue.prices is not None else None,
            baskets=int(bundle.item_count[item]),
        )


class ItemsResponse(Answer):
    """Items that were found, the most popular first; with `query`, the best match first."""

    total: int = Field(description="Number of items found, on all pages.")
    offset: int
    items: list[Item]


class ItemResponse(Answer):
    """One item."""

    item: Item


class CategoryCount(BaseModel):
    """A category of a department."""

    category: str
    items: int


class DepartmentCount(BaseModel):
    """A department, and its categories with the most items first."""

    department: str
    items: int
    categories: list[CategoryCount]


class CategoriesResponse(Answer):
    """The departments with the most items first, and their categories."""

    items: int = Field(description="All items, those without a department or a category too.")
    categories: int = Field(description="All categories, those beyond `limit` too.")
    departments: list[DepartmentCount]


def catalogue_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes by which a shop window shows the catalogue."""
    router = APIRouter()
    text = id_length(settings)

    @router.get(
        "/items",
        response_model=ItemsResponse,
        responses=NOT_MODIFIED | documented(422, 500, 503),
    )
    async def items(
        request: Request,
        query: Annotated[
            str | None, text, Query(description="Words, or parts of words, or an item id.")
        ] = None,
        department: Annotated[str | None, text, Query(description="Only of this one.")] = None,
        category: Annotated[str | None, text, Query(description="Only of this one.")] = None,
        store_id: Annotated[str | None, text, TIDIED, STORE] = None,
        offset: Annotated[
            int, Query(ge=0, le=_OFFSET_LIMIT, description="Items to leave out at the beginning.")
        ] = 0,
        limit: Annotated[
            int, Query(ge=1, le=settings.k_limit, description="Items wanted, at most.")
        ] = min(20, settings.k_limit),
    ) -> Response:
        """Find items by words of their names, by department and by category."""
        served = require_served(serving)
        taxonomy = served.bundle.catalogue.taxonomy
        among = _shown(served, store_id)
        for level, name in ((taxonomy.department, department), (taxonomy.category, category)):
            if name is not None:
                among &= _of(level, name)
        found = np.flatnonzero(among) if query is None else served.search.matching(query, among)
        shown = [Item.of(served, item) for item in found[offset : offset + limit].tolist()]
        answer = ItemsResponse.to_request(served, total=len(found), offset=offset, items=shown)
        return tagged(request, answer)

    @router.get(
        "/categories",
        response_model=CategoriesResponse,
        responses=NOT_MODIFIED | documented(422, 500, 503),
    )
    async def categories(
        request: Request,
        store_id: Annotated[str | None, text, TIDIED, STORE] = None,
        limit: Annotated[
            int, Query(ge=1, le=_CATEGORY_LIMIT, description="Categories wanted, at most.")
        ] = _CATEGORY_LIMIT,
    ) -> Response:
        """Give departments and categories, and how many items each of them has."""
        served = require_served(serving)
        return tagged(request, _counted(served, _shown(served, store_id), limit))

    # After the other routes below /items: an id may have slashes.
    @router.get(
        "/items/{item_id:id}",
        response_model=ItemResponse,
        responses=NOT_MODIFIED | documented(404, 422, 500, 503),
    )
    async def item(
        request: Request,
        item_id: Annotated[str, text, TIDIED, Path(description="The item.")],
        store_id: Annotated[str | None, text, TIDIED, STORE] = None,
    ) -> Response:
        """Give what is known of an item."""
        served = require_served(serving)
        index = served.bundle.catalogue.row(item_id)
        if index is None or not _shown(served, store_id)[index]:
            raise ProblemError(404, "No such item in the catalogue, or it may not be shown.")
        return tagged(request, ItemResponse.to_request(served, item=Item.of(served, index)))

    return router


def _shown(served: Served, store_id: str | None) -> Bool:
    """Return which items may be shown, (n_items,)."""
    return served.eligible(np.empty(0, np.int32), store_id)


def _of(level: Level, name: str) -> Bool:
    """Return which items have this name at a level, (n_items,)."""
    mask = np.zeros(len(level.codes), np.bool_)
    mask[level.members.get(name, np.empty(0, np.int32))] = True
    return mask


def _counted(served: Served, shown: Bool, limit: int) -> CategoriesResponse:
    """Count the items of each department and category among those shown."""
    department, category, _ = served.bundle.catalogue.taxonomy
    pairs = _pairs(department.codes[shown], category.codes[shown])
    largest = pairs.most_common(limit)
    found: dict[int, list[CategoryCount]] = {}
    for (of_department, of_category), count in largest:
        counted = CategoryCount(category=category.names[of_category], items=count)
        found.setdefault(of_department, []).append(counted)
    sizes = np.bincount(department.codes[shown] + 1, minlength=len(department.names) + 1)[1:]
    departments = [
        DepartmentCount(department=name, items=int(sizes[code]), categories=found.get(code, []))
        for code, name in enumerate(department.names)
        if sizes[code]
    ]
    departments.sort(key=lambda each: -each.items)
    return CategoriesResponse.to_request(
        served, items=int(shown.sum()), categories=len(pairs), departments=departments[:limit]
    )


def _pairs(departments: Int32, categories: Int32) -> Counter[tuple[int, int]]:
    """Count pairs of names; an item that lacks one of them is in none."""
    named = (departments >= 0) & (categories >= 0)
    pairs, counts = np.unique(
        np.column_stack([departments[named], categories[named]]), axis=0, return_counts=True
    )
    return Counter(dict(zip(map(tuple, pairs.tolist()), counts.tolist(), strict=True)))
