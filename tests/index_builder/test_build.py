"""The whole build, on a shop of two aisles."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from index_builder.build import build
from index_builder.config import Backend, IndexConfig
from index_builder.index.tuning import IndexRecallError
from index_builder.transactions.errors import EmptyDataError, TooFewBasketsError
from index_builder.transactions.products import read_products
from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import read_transactions
from service.bundle.bundle import Bundle, load_bundle
from service.recommending.recommender import Recommender
from service.retrieval import RetrievalError
from service.support.forgotten_users import ForgottenUsers
from tests.data.by_score import by_score
from tests.data.requests import a_request
from tests.data.tiny_bundle import AISLES, N_ITEMS, N_USERS
from tests.data.tiny_shop import END, FIRST, lines, write_shop
from tests.index_builder.conftest import QUICK, built, changed


def history(bundle: Bundle, user: int) -> list[tuple[int, int]]:
    """What a user bought, and how often."""
    own = slice(*bundle.history_indptr[user : user + 2])
    return list(zip(bundle.history_item[own], bundle.history_count[own], strict=True))


@pytest.fixture(scope="module", params=Backend)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A loaded bundle for each backend, from all baskets."""
    config = changed(index=IndexConfig(backend=request.param).model_dump())
    out = tmp_path_factory.mktemp(request.param) / "out"
    built(out, config=config)
    return load_bundle(out)


def test_forgotten_users_are_left_out_up_to_their_moments(tmp_path: Path) -> None:
    moment = FIRST + timedelta(days=40)
    out = tmp_path / "some" / "out"
    out.mkdir(parents=True)
    for user, since in (("user-1", moment), ("user-2", END), ("nobody", END)):
        ForgottenUsers(out).add(user, int(since.replace(tzinfo=UTC).timestamp()))
    bundle = load_bundle(built(out))
    assert bundle.user_ids == ["user-0", "user-1", "user-3", "user-4", "user-5"]
    whose = pl.col("user_id")
    is_old = (whose == "user-1") & (pl.col("timestamp") < moment)
    counting = lines().filter((whose != "user-2") & ~is_old)
    assert built(tmp_path / "others" / "out", counting).name == bundle.bundle_id


def test_a_shop_whose_users_were_all_forgotten_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for number in range(N_USERS):
        ForgottenUsers(out).add(f"user-{number}", 1 << 33)
    with pytest.raises(EmptyDataError, match="users who are not forgotten, found none"):
        built(out)


def test_a_bundle_holds_the_shop_and_how_good_it_is(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert len(bundle.catalogue) == N_ITEMS
    assert bundle.user_ids == [f"user-{user}" for user in range(6)]
    assert bundle.catalogue.names[0] == bundle.catalogue.item_ids[0].replace("item-", "Thing ")
    assert (bundle.item_count[:-1] >= bundle.item_count[1:]).all()
    assert manifest.retrieval.backend == bundle.retrieval.name
    assert 0.95 <= manifest.retrieval.ann_recall_at_k <= 1
    assert manifest.build["train"] == QUICK.train.model_dump()
    validation = manifest.metrics["validation"]
    assert isinstance(validation, dict)
    assert isinstance(validation["RTT2Vec with history"], dict)


def test_without_until_all_baskets_are_used(bundle: Bundle) -> None:
    last = lines()["timestamp"].max()
    assert isinstance(last, datetime)
    assert datetime.fromisoformat(bundle.manifest.as_of) == last + timedelta(seconds=1)
    assert bundle.item_count.sum() == lines().height


def test_a_built_bundle_recommends_from_the_users_aisle(bundle: Bundle) -> None:
    recommender = Recommender(bundle, by_score())
    for user in range(6):
        aisle = AISLES[user // 3]
        for user_id, basket in (
            (f"user-{user}", []),
            (f"user-{user}", [f"item-{user // 3}"]),
            (None, [f"item-{user // 3}", f"item-{user // 3 + 8}"]),
        ):
            answer = recommender.recommend(a_request(user_id, basket, 10))
            assert {each.category for each in answer.items} == {aisle}


def test_an_index_below_its_target_stops_the_build_and_leaves_the_old_bundle(
    tmp_path: Path,
) -> None:
    good = built(tmp_path / "out")
    coarse = {"dims_per_code": 17, "k_factor": 1}
    index = IndexConfig(
        backend=Backend.FAISS, parameters=coarse, ann_recall_k=3, ann_recall_target=1
    )
    with pytest.raises(IndexRecallError, match=r"at_3 of 1\.0 or more.*found 0\.\d{4}.*Choose"):
        built(tmp_path / "out", config=changed(index=index.model_dump()))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {good.name, "current"}
    assert load_bundle(tmp_path / "out").path == good


def test_a_bad_parameter_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    console = Console()
    config = changed(index={"backend": "faiss", "parameters": {"k_factor": 0}})
    with console.capture() as capture, pytest.raises(RetrievalError, match="k_factor"):
        built(tmp_path / "out", config=config, console=console)
    assert capture.get() == ""


def test_a_place_that_is_no_directory_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    console = Console()
    (tmp_path / "out").write_text("in the way")
    with console.capture() as capture, pytest.raises(FileExistsError):
        built(tmp_path / "out", console=console)
    assert capture.get() == ""


def test_a_shop_too_small_for_validation_gets_its_bundle(tmp_path: Path) -> None:
    console = Console(width=200)
    with console.capture() as capture:
        built(tmp_path / "out", lines(days=12), console=console)
    assert "No validation" in capture.get()
    bundle = load_bundle(tmp_path / "out")
    gate = {"passed": False, "recall_leads": {}}
    assert bundle.rule_lift is not None
    rules = {"count": len(bundle.rule_lift), "complete": True}
    expected = {"validation": None, "publish_gate": gate, "rules": rules}
    assert bundle.manifest.metrics == expected
    assert len(Recommender(bundle).recommend(a_request("user-0", k=5)).items) == 5


def test_a_shop_too_small_for_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooFewBasketsError, match="min_item_baskets"):
        built(tmp_path / "out", lines(days=3))
    with pytest.raises(TooFewBasketsError, match="Too few baskets before"):
        built(tmp_path / "out", until=FIRST)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_shop_of_single_purchases_is_refused_with_the_reason(tmp_path: Path) -> None:
    single = lines().unique("basket_id")
    with pytest.raises(TooFewBasketsError, match="two items"):
        built(tmp_path / "out", single)


def test_a_shop_with_a_single_user_gets_its_bundle(tmp_path: Path) -> None:
    built(tmp_path / "out", lines().with_columns(user_id=pl.lit("everybody")))
    recommender = Recommender(load_bundle(tmp_path / "out"), by_score())
    for aisle, name in enumerate(AISLES):
        answer = recommender.recommend(a_request(None, [f"item-{aisle}", f"item-{aisle + 4}"], 10))
        assert {each.category for each in answer.items} == {name}


def test_guests_teach_items_and_have_no_profile(tmp_path: Path) -> None:
    transactions, products = write_shop(tmp_path)
    reading = Reading(guests=frozenset({"user-0", "user-3"}))
    guests = read_transactions(transactions, reading)
    out = build(guests, read_products(products), QUICK, tmp_path / "out", None, Console(quiet=True))
    bundle, of_all = load_bundle(out), load_bundle(built(tmp_path / "all"))
    assert bundle.user_ids == ["user-1", "user-2", "user-4", "user-5"]
    assert len(bundle.user_h) == 4
    assert bundle.catalogue.item_ids == of_all.catalogue.item_ids
    assert bundle.item_count.tolist() == of_all.item_count.tolist()
    for place, user in enumerate(bundle.user_ids):
        assert history(bundle, place) == history(of_all, of_all.user_ids.index(user))
    # Rules count the baskets of guests too.
    of_rules = [each.path / "rule_support.npy" for each in (bundle, of_all)]
    assert of_rules[0].read_bytes() == of_rules[1].read_bytes()


def test_a_shop_of_guests_alone_recommends_by_the_basket(tmp_path: Path) -> None:
    transactions, products = write_shop(tmp_path)
    everybody = frozenset(f"user-{number}" for number in range(N_USERS))
    guests = read_transactions(transactions, Reading(guests=everybody))
    catalogue = read_products(products)
    out = build(guests, catalogue, QUICK, tmp_path / "out", None, Console(quiet=True))
    bundle = load_bundle(out)
    assert bundle.user_ids == []
    answer = Recommender(bundle, by_score()).recommend(a_request(None, ["item-2"], 5))
    assert {int(each.item_id.split("-")[1]) % 2 for each in answer.items} == {0}


def test_items_of_several_categories_are_found_by_each(tmp_path: Path) -> None:
    transactions, products = write_shop(tmp_path)
    shelf = pl.read_csv(products, infer_schema=False)
    sale = pl.col("item_id").is_in(["item-2", "item-4"])
    several = pl.when(sale).then(pl.col("category") + "|SALE").otherwise("category")
    shelf.with_columns(category=several).write_csv(products)
    read = read_transactions(transactions), read_products(products)
    bundle = load_bundle(build(*read, QUICK, tmp_path / "out", None, Console(quiet=True)))
    recommender = Recommender(bundle, by_score())
    request = a_request(None, ["item-0"], 10)
    shown = {each.item_id: each.category for each in recommender.recommend(request).items}
    assert shown["item-2"] == shown["item-4"] == AISLES[0]
    without = a_request(None, ["item-0"], 10, exclude_categories=["SALE"])
    left = {each.item_id for each in recommender.recommend(without).items}
    assert len(left) == 10
    assert not left & {"item-2", "item-4"}


def test_a_cut_far_in_the_future_takes_all_baskets(tmp_path: Path) -> None:
    until = datetime.fromisoformat("2999-12-31")
    built(tmp_path / "out", until=until)
    bundle = load_bundle(tmp_path / "out")
    assert bundle.item_count.sum() == lines().height
    # Purchases from the last basket on count as new.
    last = read_transactions(tmp_path / "transactions.parquet").summary.last
    assert bundle.manifest.as_of == (last + timedelta(seconds=1)).isoformat()
    assert bundle.history_recency.max() > 0


def test_without_products_items_are_named_by_their_ids(tmp_path: Path) -> None:
    transactions, _ = write_shop(tmp_path)
    build(read_transactions(transactions), None, QUICK, tmp_path / "out", None, Console(quiet=True))
    catalogue = load_bundle(tmp_path / "out").catalogue
    assert catalogue.names == catalogue.item_ids
    assert set(catalogue.categories) == {""}
