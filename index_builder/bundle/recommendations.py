"""Recommendations for many users, as a table: what an e-mail campaign needs.

The service's own recommender makes them, with the service's business rules, for empty baskets.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from service.business_rules.rulebook import Rulebook
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest

_ROW_GROUP = 5_000  # users whose recommendations are in memory at once

_SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "place": pa.int32(),  # from 1
        "item_id": pa.string(),
        "name": pa.string(),
        "category": pa.string(),
        "score": pa.float32(),
        "source": pa.string(),
    }
)


def write_recommendations(
    path: Path,
    recommender: Recommender,
    users: Iterable[str],
    request: RecommendRequest,
    rulebook: Rulebook | None,
) -> Iterator[str]:
    """Writes a Parquet file with a row for each user and recommendation, best first.

    Args:
        path: of the file.
        recommender: of the bundle.
        users: distinct user ids; one that the bundle does not know gets the best sellers.
        request: what is asked for each user.
        rulebook: the business rules.

    Yields:
        What each user's recommendations are based on: `source` of an answer.
    """
    with parquet.ParquetWriter(path, _SCHEMA) as file:
        left = iter(users)
        while some := list(islice(left, _ROW_GROUP)):
            columns: dict[str, list[object]] = {name: [] for name in _SCHEMA.names}
            for user_id in some:
                asked = request.model_copy(update={"user_id": user_id})
                answer = recommender.recommend(asked, rulebook=rulebook)
                for place, item in enumerate(answer.items, 1):
                    fields = item.item_id, item.name, item.category, item.score, answer.source
                    row = (user_id, place, *fields)
                    for column, value in zip(columns.values(), row, strict=True):
                        column.append(value)
                yield answer.source
            file.write_table(pa.table(columns, _SCHEMA))
