"""`POST /rules/test`, and business rules of a running service."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import SecretStr

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.recommending.answer import Recommendations
from service.recommending.request import RecommendRequest
from service.serving.rules_trial import Totals, compare_many
from service.settings import Settings
from tests.data.by_score import settings_by_score
from tests.data.merchandised_bundle import CONTENTS
from tests.service.conftest import ADMIN, ADMIN_KEY, Served, listening

NO_ITEM_0 = "rules:\n- {name: not this one, action: exclude, item: item-0}\n"


@pytest.fixture
def shop(tmp_path: Path) -> dict[str, Any]:
    """Settings of a shop with a rules file, and with stock in one store."""
    (rules := tmp_path / "rules.yaml").write_text(NO_ITEM_0)
    stock = tmp_path / "stock.parquet"
    items = [f"item-{item}" for item in range(1, 40)]
    parquet.write_table(pa.table({"store_id": ["north"] * 39, "item_id": items}), stock)
    return {
        "bundle": write_bundle(tmp_path / "bundles", CONTENTS),
        "rules": rules,
        "availability": stock,
        "admin_key": SecretStr(ADMIN_KEY),
    }


def ids(response: httpx.Response) -> list[str]:
    return [each["item_id"] for each in response.json()["recommendations"]]


def tried(client: httpx.Client, rules: str, **more: Any) -> dict[str, Any]:
    response = client.post("/rules/test", json={"rules": rules, **more}, headers=ADMIN)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_rules_and_stock_apply_and_are_explained(shop: dict[str, Any]) -> None:
    shop["rules"].write_text(
        "rules:\n"
        "- {name: the mug, action: pin, place: 1, item: item-39}\n"
        "- {name: own brand, action: boost, factor: 2, brand: own, store: north}\n"
    )
    app = create_app(Settings(**shop))
    app.state.swap.start()
    with listening(app) as client:
        asked = {"user_id": "user-0", "explain": True, "store_id": "north", "k": 39}
        response = client.post("/recommend", json=asked)
        found = {each["item_id"]: each for each in response.json()["recommendations"]}
        assert ids(response)[0] == "item-39"
        assert found.keys() == {f"item-{item}" for item in range(1, 40)}
        assert found["item-39"]["reasons"]["rules"] == ["the mug", "own brand"]
        assert found["item-4"]["reasons"]["rules"] == []
        assert not response.json()["degraded"]
        nowhere = client.post("/recommend", json={**asked, "store_id": "nowhere"})
        assert nowhere.json()["degraded"]
        assert "item-0" in ids(nowhere)
        assert client.post("/recommend", json={"store_id": 7}).status_code == 422


def test_a_trial_gives_what_would_change_and_changes_nothing(shop: dict[str, Any]) -> None:
    app = create_app(settings_by_score(**shop))
    app.state.swap.start()
    rules = (
        "rules:\n"
        "- {name: pinned, action: pin, place: 2, item: item-39}\n"
        "- {name: out, action: exclude, item: item-1}\n"
    )
    with listening(app) as client:
        before = ids(client.post("/recommend", json={"k": 3}))
        assert before == ["item-1", "item-2", "item-3"]  # the most popular ones
        found = tried(client, rules, k=3)
        assert found["refused"] == []
        assert found["before"] == before
        assert found["after"] == ["item-0", "item-39", "item-2"]
        assert found["entered"] == [
            {
                "item_id": "item-0",
                "name": "Thing 0",
                "before": None,
                "after": 1,
                "rules": [],
                "rules_before": ["not this one"],
            },
            {
                "item_id": "item-39",
                "name": "Thing 39",
                "before": None,
                "after": 2,
                "rules": ["pinned"],
                "rules_before": [],
            },
        ]
        assert [(each["item_id"], each["before"], each["rules"]) for each in found["left"]] == [
            ("item-1", 1, ["out"]),
            ("item-3", 3, []),
        ]
        assert [(each["item_id"], each["before"], each["after"]) for each in found["moved"]] == [
            ("item-2", 2, 3)
        ]
        assert sorted(found["rules"]) == ["out", "pinned"]
        assert ids(client.post("/recommend", json={"k": 3})) == before


def test_a_trial_with_recent_requests_adds_up_what_changes(shop: dict[str, Any]) -> None:
    app = create_app(settings_by_score(**shop))
    app.state.swap.start()
    rules = "rules:\n- {name: out, action: exclude, item: item-1}\n"
    with listening(app) as client:
        nothing = {"known": 0, "tried": 0, "changed": 0, "entered": 0, "left": 0}
        assert tried(client, rules, recent=True)["recent"] == nothing
        requests: list[dict[str, Any]] = [
            {"k": 3},  # item-0 enters for item-1
            {"k": 3, "store_id": "north"},  # which has no item-0: item-4 enters
            {"k": 1, "exclude_items": ["item-0", "item-1"]},
            {"k": 40},  # item-1 leaves, and item-0 enters
            {"k": 2, "user_id": "a passer-by", "exclude_items": ["item-1"]},  # item-0 for item-3
        ]
        for each in requests:
            client.post("/recommend", json=each).raise_for_status()
        found = tried(client, rules, recent=True)
        assert found["recent"] == {"known": 5, "tried": 5, "changed": 4, "entered": 4, "left": 4}
        assert "passer-by" not in str(found)
        assert tried(client, rules)["recent"] is None
        assert tried(client, NO_ITEM_0, recent=True)["recent"]["changed"] == 0
        assert tried(client, "rules: nonsense", recent=True)["recent"] is None
        client.delete("/users/a passer-by", headers=ADMIN).raise_for_status()
        found = tried(client, rules, recent=True)
        assert found["recent"] == {"known": 4, "tried": 4, "changed": 3, "entered": 3, "left": 3}


def test_a_trial_takes_the_latest_200_requests(shop: dict[str, Any]) -> None:
    app = create_app(settings_by_score(**shop))
    app.state.swap.start()
    rules = "rules:\n- {name: out, action: exclude, item: item-1}\n"
    alike = RecommendRequest(k=1, exclude_items=["item-0", "item-1"])
    app.state.serving.recent.extend([RecommendRequest(k=1)] * 60 + [alike] * 190)
    with listening(app) as client:
        found = tried(client, rules, recent=True)["recent"]
    assert found["known"] == 200
    # The latest are the first: all of them if there is time.
    assert found["changed"] == max(0, found["tried"] - 190)


def test_a_trial_of_many_ends_in_time() -> None:
    def answer(_request: RecommendRequest) -> Recommendations:
        pytest.fail("It was over before it began.")

    assert compare_many([RecommendRequest()], answer, answer, 0) == Totals(0, 0, 0, 0)


def test_a_trial_may_be_for_any_time_and_any_store(shop: dict[str, Any]) -> None:
    app = create_app(Settings(**shop))
    app.state.swap.start()
    rules = "rules:\n- {name: a, action: exclude, item: item-1, weekdays: sat, store: south}\n"
    with listening(app) as client:
        for day, store, gone in (
            ("2026-11-21T12:00:00Z", "south", True),
            ("2026-11-22T12:00:00Z", "south", False),
            ("2026-11-21T12:00:00Z", "east", False),
            ("0001-01-01T00:00:00Z", "south", False),
            ("9999-12-31T23:59:59Z", "south", False),
        ):
            found = tried(client, rules, at=day, store_id=store)
            assert ("item-1" not in found["after"]) is gone, (day, store)
        assert "item-0" not in tried(client, rules, store_id="north")["after"]


def test_a_trial_of_bad_rules_names_the_lines(shop: dict[str, Any]) -> None:
    app = create_app(Settings(**shop))
    app.state.swap.start()
    bad = "rules:\n- name: a\n  action: boost\n  factor: 0\n  brand: Acne\n"
    with listening(app) as client:
        found = tried(client, bad)
        assert [each["line"] for each in found["refused"]] == [4]
        assert found["before"] == found["after"] != []
        assert found["entered"] == found["left"] == found["moved"] == found["rules"] == []


def test_a_trial_does_not_repeat_the_whole_text(shop: dict[str, Any]) -> None:
    app = create_app(Settings(**shop))
    app.state.swap.start()
    with listening(app) as client:
        for text in ("x" * 500_000, "rules:\n- {name: " + "x" * 500_000 + "}"):
            (mistake, *_) = tried(client, text)["refused"]
            assert len(mistake["message"]) <= 301


def test_a_trial_needs_a_bundle(tmp_path: Path) -> None:
    app = create_app(Settings(bundle=tmp_path, admin_key=SecretStr(ADMIN_KEY)))
    app.state.swap.start()
    with listening(app) as client:
        response = client.post("/rules/test", json={"rules": ""}, headers=ADMIN)
        assert response.status_code == 503


def put(path: Path, text: str) -> None:
    """Replace a file in one step: the app looks at it once a second, too."""
    (new := path.with_suffix(".new")).write_text(text)
    new.rename(path)


def test_a_reload_is_logged_counted_and_shown(
    shop: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(**shop))
    app.state.swap.start()
    caplog.set_level(logging.INFO)
    with listening(app) as client:
        assert "item-0" not in ids(client.post("/recommend", json={}))
        put(shop["rules"], "rules:\n- name: what\n")
        app.state.serving.look_at_rules()
        reason = client.get("/health", headers=ADMIN).json()["rules_refused"]
        assert reason.startswith(f"{shop['rules']}, line 2: ")
        assert client.get("/health/ready").status_code == 200
        assert "item-0" not in ids(client.post("/recommend", json={}))
        assert reason in caplog.text
        put(shop["rules"], "rules: []")
        app.state.serving.look_at_rules()
        assert client.get("/health").json()["rules_refused"] is None
        assert "item-0" in ids(client.post("/recommend", json={}))
        lines = client.get("/metrics").text.splitlines()
        for result in ("refused", "ok"):
            sample = f'rtt2vec_rules_reloads_total{{file="rules",result="{result}"}} 1.0'
            assert sample in lines


def test_rules_are_not_read_before_there_is_a_bundle(tmp_path: Path) -> None:
    app = create_app(Settings(bundle=tmp_path, rules=tmp_path / "rules.yaml"))
    app.state.serving.look_at_rules()
    assert app.state.serving.served is None


def test_every_worker_reads_a_changed_file(serve: Callable[..., Served], tmp_path: Path) -> None:
    (rules := tmp_path / "rules.yaml").write_text("rules: []")
    served = serve("--workers", "2", "--rules", str(rules))
    rules.write_text(NO_ITEM_0)
    served.await_logged("reloaded", 2)
    for _ in range(20):  # each on a connection of its own, which any of the workers may take
        assert "item-0" not in ids(httpx.post(f"{served.url}/recommend", json={}))
