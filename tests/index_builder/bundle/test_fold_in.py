"""Users folded into a bundle that was built without them."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from index_builder.bundle.contents import assemble
from index_builder.bundle.fold_in import with_folded_in_users
from index_builder.embeddings.triple2vec import train
from index_builder.statistics.past_baskets import past_baskets
from index_builder.transactions.encoded.encoding import encode
from index_builder.transactions.transactions import Transactions, read_transactions
from service.bundle.bundle import Bundle, load_bundle, preview_bundle, write_bundle
from service.bundle.errors import BundleError
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.fold_in import FoldIn
from service.recommending.ranking.features import FEATURES
from service.recommending.recommender import Recommender
from service.support.arrays.array_types import Float32
from tests.data import ranked_shop
from tests.data.ranked_shop import exactly, ranked_contents
from tests.data.relined import with_lines
from tests.data.requests import a_request
from tests.data.tiny_bundle import AISLES, tiny_contents

CUT = datetime.fromisoformat("2017-11-20")
NEW = ("user-2", "user-5")  # one of each aisle
CONFIG, WEIGHTS = ranked_shop.CONFIG, ranked_shop.WEIGHTS


def without(transactions: Transactions, *users: str) -> Transactions:
    """The baskets of everyone else."""
    return with_lines(transactions.lines.filter(~pl.col("user_id").is_in(users)))


def copied(transactions: Transactions, user: str, days: float = 0) -> Transactions:
    """The baskets of this user as those of `user-new`, so many days later."""
    own = transactions.lines.filter(user_id=user)
    lines = own.with_columns(
        user_id=pl.lit("user-new"), begun_at=pl.col("begun_at") + timedelta(days=days)
    )
    return with_lines(lines)


@pytest.fixture(scope="module")
def built(transactions: Transactions, products: pl.DataFrame) -> Bundle:
    """A bundle of the tiny shop before the cut, without the new users."""
    encoded = encode(without(transactions, *NEW), products, CONFIG.min_item_baskets, CUT)
    triples = 12 * len(encoded.basket_items)
    embeddings = train(encoded, encoded.n_items, encoded.n_users, CONFIG.train, triples)
    return preview_bundle(assemble(encoded, embeddings, CONFIG, CUT, exactly, WEIGHTS, WEIGHTS))


@pytest.fixture(scope="module")
def folded(built: Bundle, transactions: Transactions) -> Bundle:
    """The same with the new users' baskets before the cut."""
    return preview_bundle(with_folded_in_users(built, transactions.until(CUT)))


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Transactions:
    """The transactions of the busy shop before the cut of its bundle, which has a ranker."""
    ranked_shop.lines().write_parquet(path := tmp_path_factory.mktemp("busy") / "lines.parquet")
    return read_transactions(path).until(ranked_shop.CUT)


@pytest.fixture(scope="module")
def ranked() -> Bundle:
    """The bundle of the busy shop."""
    return preview_bundle(ranked_contents())


def test_a_folded_in_user_is_offered_the_own_aisle(folded: Bundle) -> None:
    p, q, _ = np.split(folded.item_vectors, [folded.dimension, 2 * folded.dimension], axis=1)
    recommender = Recommender(folded)
    for user, aisle in zip(NEW, AISLES, strict=True):
        scores = (p + q) @ folded.user_h[folded.user_ids.row(user)]
        own = np.array(folded.catalogue.categories) == aisle
        assert scores[own].min() > scores[~own].max()
        answer = recommender.recommend(a_request(user, k=10))
        assert answer.source == "user"
        assert {item.category for item in answer.items} == {aisle}


def test_a_folded_in_user_has_the_history_that_a_build_would_give(
    folded: Bundle, transactions: Transactions, products: pl.DataFrame
) -> None:
    encoded = encode(transactions, products, CONFIG.min_item_baskets, CUT)
    embeddings = train(encoded, encoded.n_items, encoded.n_users, CONFIG.train, 1)
    full = assemble(encoded, embeddings, CONFIG, CUT, exactly, WEIGHTS, WEIGHTS)
    for user in NEW:
        assert history(folded, user) == history(preview_bundle(full), user)


def history(bundle: Bundle, user: str) -> dict[str, tuple[float, ...]]:
    """Count, recency and last purchase by item id."""
    profile = BundleProfiles(bundle).get(user)
    assert profile is not None
    rows = zip(profile.counts, profile.recency, profile.last, strict=True)
    return {
        bundle.catalogue.item_ids[item]: tuple(map(float, row))
        for item, row in zip(profile.items, rows, strict=True)
    }


def test_everything_else_stays(built: Bundle, folded: Bundle) -> None:
    assert folded.user_ids == [*built.user_ids, *NEW]
    assert folded.n_trained_users == len(built.user_ids)
    assert folded.manifest.as_of == built.manifest.as_of
    for name, array in built.present().items():
        kept = folded.present()[name][: len(array)]
        np.testing.assert_array_equal(kept, array, err_msg=name)
    np.testing.assert_array_equal(folded.item_vectors, built.item_vectors)


def test_folding_in_twice_is_folding_in_once(
    built: Bundle, folded: Bundle, transactions: Transactions
) -> None:
    again = preview_bundle(with_folded_in_users(folded, transactions.until(CUT)))
    assert again.bundle_id == folded.bundle_id
    fewer = preview_bundle(with_folded_in_users(folded, without(transactions.until(CUT), NEW[0])))
    assert fewer.user_ids == [*built.user_ids, NEW[1]]
    assert history(fewer, NEW[1]) == history(folded, NEW[1])
    none = preview_bundle(with_folded_in_users(folded, without(transactions, *NEW)))
    assert none.bundle_id == built.bundle_id


def test_answers_of_trained_users_do_not_change(ranked: Bundle, busy: Transactions) -> None:
    """Not even where the ranker compares with the number of all baskets."""
    bundle = preview_bundle(with_folded_in_users(ranked, copied(busy, "user-03", days=10)))
    before, after = Recommender(ranked), Recommender(bundle)
    for user, basket in (("user-03", ["item-07"]), ("user-10", ["item-01", "item-20"])):
        request = a_request(user, basket, explain=True)
        old, new = before.shortlist(request), after.shortlist(request)
        assert old.features is not None
        np.testing.assert_array_equal(old.features, new.features)
        assert before.recommend(request) == after.recommend(request)


def test_the_ranker_sees_a_folded_in_user_as_it_would_see_a_trained_user(
    ranked: Bundle, busy: Transactions
) -> None:
    bundle = preview_bundle(with_folded_in_users(ranked, copied(busy, "user-03")))
    trained = features(bundle, "user-03")
    folded_in = features(bundle, "user-new")
    both = trained.keys() & folded_in.keys()
    assert len(both) > 20
    but_vector = [name not in ("cohesion_user", "cohesion") for name in FEATURES]
    for item in both:
        np.testing.assert_array_equal(trained[item][but_vector], folded_in[item][but_vector])


def features(bundle: Bundle, user: str) -> dict[int, Float32]:
    """The features of every candidate, by item index."""
    listed = Recommender(bundle).shortlist(a_request(user, ["item-07"], 0))
    assert listed.features is not None
    return dict(zip(listed.candidates.items.tolist(), listed.features, strict=True))


def test_ages_count_from_a_last_basket_after_the_build(ranked: Bundle, busy: Transactions) -> None:
    """Whoever came after the build is as young as the last basket, on whatever day that was."""
    later, latest = (
        preview_bundle(with_folded_in_users(ranked, copied(busy, "user-03", days=days)))
        for days in (10, 40)
    )
    answers = [
        Recommender(bundle).recommend(a_request("user-new", ["item-07"]))
        for bundle in (later, latest)
    ]
    assert answers[0] == answers[1]
    column = list(FEATURES).index("days_since_last")
    ages = [row[column] for row in features(later, "user-new").values()]
    assert min(ages) == 0  # of what was in that last basket


def test_own_baskets_lead_back_to_the_trained_vector(busy: Transactions) -> None:
    encoded = encode(busy, ranked_shop.products(), CONFIG.min_item_baskets)
    config = CONFIG.train.model_copy(update={"dimension": 16})
    triples = 12 * len(encoded.basket_items)
    embeddings = train(encoded, encoded.n_items, encoded.n_users, config, triples)
    contents = assemble(encoded, embeddings, CONFIG, ranked_shop.CUT, exactly, WEIGHTS, WEIGHTS)
    past, fold_in = past_baskets(encoded, encoded.n_users), FoldIn(contents.item_vectors, 60)
    user_h = np.array(
        [
            fold_in.user_h(past.begun[start:stop], past.item_indptr[start : stop + 1], past.item)
            for start, stop in zip(past.indptr, past.indptr[1:], strict=False)
        ]
    )
    cosine = unit(user_h) @ unit(embeddings.user_h - embeddings.user_h.mean(axis=0)).T
    own, others = np.diag(cosine), cosine[~np.eye(len(cosine), dtype=bool)]
    assert own.min() > others.mean() + 0.3
    assert own.mean() > 0.6
    assert abs(others.mean()) < 0.2


def unit(vectors: Float32) -> Float32:
    """The vectors at length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("backend", ["exact", "faiss", "nmslib"])
def test_any_index_goes_with_the_new_bundle(
    backend: str, transactions: Transactions, tmp_path: Path
) -> None:
    build = CONFIG.model_dump(mode="json")
    loaded = load_bundle(write_bundle(tmp_path, tiny_contents(backend, build=build)))
    write_bundle(tmp_path, with_folded_in_users(loaded, copied(transactions, "user-5")))
    bundle = load_bundle(tmp_path)
    assert bundle.user_ids[-1] == "user-new"
    answer = Recommender(bundle).recommend(a_request("user-new", k=10))
    assert {item.category for item in answer.items} == {"garden"}


def test_a_folded_in_user_without_a_known_item_is_as_good_as_unknown(
    built: Bundle, transactions: Transactions
) -> None:
    lines = copied(transactions, "user-5").lines.with_columns(item_id=pl.lit("item-of-tomorrow"))
    bundle = preview_bundle(with_folded_in_users(built, with_lines(lines)))
    assert bundle.user_ids[-1] == "user-new"
    assert not bundle.user_h[-1].any()
    assert Recommender(bundle).recommend(a_request("user-new", k=10)).source == "popularity"


def test_a_bundle_without_a_known_configuration_is_refused(transactions: Transactions) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json, build"):
        with_folded_in_users(preview_bundle(tiny_contents()), transactions)
