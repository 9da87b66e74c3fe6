"""What the service computes in compiled loops, in plain Python, one item at a time."""

from dataclasses import dataclass
from math import exp, log, sqrt

from service.bundle.bundle import Bundle
from service.support.arrays.array_types import Float32

DAY_S = 86_400
NEVER = 9999.0


@dataclass(frozen=True)
class Past:
    """A past basket: its age in days and its items."""

    days: float
    items: set[int]


class PlainRanking:
    """Candidates and features of one request to a bundle with a ranker."""

    def __init__(self, bundle: Bundle, user_id: str | None, basket: list[int]) -> None:
        self.bundle, self.basket = bundle, basket
        self.past = _past(bundle, user_id)
        self.near = {item: self._near(item) for item in range(len(bundle.catalogue))}

    def _near(self, item: int) -> list[tuple[float, float, float]]:
        """Cosine, confidence and weight of each basket item that has this one as a neighbour."""
        bundle = self.bundle
        starts, neighbours = (
            bundle.required("neighbour_indptr", "a test"),
            bundle.required("neighbour_item", "a test"),
        )
        counts, sold = bundle.required("neighbour_count", "a test"), bundle.item_count
        weights = bundle.neighbour_weight
        return [
            (
                counts[at] / (sqrt(int(sold[own]) * int(sold[item])) + 5),
                counts[at] / sold[own],
                0.0 if weights is None else weights[at],
            )
            for own in self.basket
            for at in range(starts[own], starts[own + 1])
            if neighbours[at] == item
        ]

    def _recency(self, item: int, half_life_days: float) -> float:
        return sum((0.5 ** (p.days / half_life_days) for p in self.past if item in p.items), 0.0)

    def candidates(self, found: set[int], eligible: set[int], history: int) -> set[int]:
        """The items found, and those that the user bought most of late."""
        bought = {item for each in self.past for item in each.items}
        recent = sorted(bought, key=lambda item: (-self._recency(item, 60), item))
        return (found | set(recent[:history])) & eligible

    def features(self, item: int, parts: tuple[float, float, float]) -> dict[str, float]:
        """The features of one candidate; `parts` are basket, user and popularity."""
        return {
            **self._of_the_basket(item, parts[0]),
            **self._of_the_user(item, parts[1]),
            "cohesion": parts[0] + parts[1],
            **self._of_the_item(item, parts[2]),
        }

    def _of_the_basket(self, item: int, cohesion: float) -> dict[str, float]:
        catalogue, basket = self.bundle.catalogue, self.basket
        cosines = [cosine for cosine, _, _ in self.near[item]]
        most = max(sum(cosine for cosine, _, _ in each) for each in self.near.values())
        confidence = sum(share for _, share, _ in self.near[item]) / len(basket)
        share = self.bundle.item_count[item] / len(self.bundle.required("past_begun", "a test"))

        def alike(names: list[str]) -> int:
            return sum(names[own] == names[item] for own in basket)

        return {
            "neighbour_sum": sum(cosines),
            "neighbour_sum_relative": sum(cosines) / (most or 1),
            "neighbour_max": max(cosines, default=0),
            "confidence_mean": confidence,
            "confidence_excess": confidence - share,
            "neighbour_weight_sum": sum(weight for _, _, weight in self.near[item]),
            "cohesion_basket": cohesion,
            "basket_size": len(basket),
            "same_subcategory": alike(catalogue.subcategories),
            "same_category": alike(catalogue.categories),
            "same_department_share": alike(catalogue.departments) / len(basket),
        }

    def _votes(self, item: int) -> tuple[float, float, float, float]:
        """How much the past baskets with this item resemble the present one."""
        n_baskets, present = len(self.bundle.required("past_begun", "a test")), set(self.basket)
        subcategories = self.bundle.catalogue.subcategories
        wanted = {subcategories[own] for own in present}
        vote, late, share, alike = 0.0, 0.0, 0.0, 0.0
        for each in self.past:
            if item in each.items:
                both = each.items & present
                telling = sum(log(n_baskets / self.bundle.item_count[own]) for own in both)
                vote += len(both) / sqrt(len(each.items) * len(present))
                late += telling * 0.5 ** (each.days / 60)
                share += 0.5 ** (each.days / 180) * len(both) / len(each.items)
                n_alike = sum(subcategories[own] in wanted for own in each.items)
                cosine = n_alike / sqrt(len(each.items) * len(present))
                alike += cosine**2 * 0.5 ** (each.days / 60)
        return vote, late, share, alike

    def _history_weight(self, item: int) -> float:
        """What each neighbour adds to the prediction of an item, by the neighbour's recency."""
        starts, neighbours, weights = (
            self.bundle.required(f"neighbour_{name}", "a test")
            for name in ("indptr", "item", "weight_back")
        )
        near = range(starts[item], starts[item + 1])
        total = sum((weights[at] * self._recency(neighbours[at], 60) for at in near), 0.0)
        return total / (sum(0.5 ** (each.days / 60) for each in self.past) or 1)

    def _of_the_user(self, item: int, cohesion: float) -> dict[str, float]:
        past, subcategories = self.past, self.bundle.catalogue.subcategories
        days = [each.days for each in past if item in each.items]
        gap = (days[0] - days[-1]) / (len(days) - 1) if len(days) > 1 else NEVER
        last = days[-1] if days else NEVER
        bought = {own for each in past for own in each.items}
        votes = {own: self._votes(own) for own in bought | {item}}
        lines = [(each.days, own) for each in past for own in each.items]
        alike = [age for age, own in lines if subcategories[own] == subcategories[item]]
        weights = {half: sum(0.5 ** (each.days / half) for each in past) for half in (14, 60, 180)}
        baskets = max(1, len(past))
        return {
            "purchases": len(days),
            "purchases_per_basket": len(days) / baskets,
            **{
                f"recency_{half}d": self._recency(item, half) / (weights[half] or 1)
                for half in (14, 60, 180)
            },
            "recency_60d_relative": self._recency(item, 60)
            / max((self._recency(own, 60) for own in bought), default=1),
            "days_since_last": last,
            "mean_gap_days": gap,
            "days_since_last_per_gap": last / max(gap, 0.5),
            "days_since_last_per_typical_gap": last
            / max(self._rhythm(item)["typical_gap_days"], 0.5),
            "like_basket_vote": votes[item][0],
            "like_basket_vote_relative": votes[item][0] / (max(v[0] for v in votes.values()) or 1),
            "late_vote_relative": votes[item][1] / (max(v[1] for v in votes.values()) or 1),
            "share_vote": votes[item][2],
            "subcategory_vote": votes[item][3],
            "subcategory_vote_relative": votes[item][3] / (max(v[3] for v in votes.values()) or 1),
            "history_weight_sum": self._history_weight(item),
            "cohesion_user": cohesion,
            "user_baskets": len(past),
            "days_since_last_basket": past[-1].days if past else NEVER,
            "user_mean_basket_size": max(1, len(lines)) / baskets,
            "subcategory_share": len(alike) / max(1, len(lines)),
            "share_in_subcategory": len(days) / max(1, len(alike)),
            "subcategory_recency_14d": sum(0.5 ** (age / 14) for age in alike) / (weights[14] or 1),
            "subcategory_days_since_last": min(alike, default=NEVER),
        }

    def _rhythm(self, item: int) -> dict[str, float]:
        names = ("log_buyers", "purchases_per_buyer", "typical_gap_days", "new_buyer_share")
        rhythm = self.bundle.required("item_rhythm", "a test")[item].tolist()
        return dict(zip(names, rhythm, strict=True))

    def _of_the_item(self, item: int, log_popularity: float) -> dict[str, float]:
        subcategories = self.bundle.catalogue.subcategories
        trend = dict(
            zip((7, 14, 30, 90), self.bundle.required("item_trend", "a test").T, strict=True)
        )
        alike = [other for other, name in enumerate(subcategories) if name == subcategories[item]]
        month = [exp(trend[30][other]) for other in alike]
        return {
            "log_popularity": log_popularity,
            **{f"log_popularity_{days}d": column[item] for days, column in trend.items()},
            "log_share_of_subcategory": trend[30][item] - log(sum(month)),
            **self._rhythm(item),
        }


def walk(bundle: Bundle, features: Float32) -> float:
    """The score of one candidate: the sum of the leaves it reaches, tree by tree."""
    left, right = bundle.required("tree_left", "a test"), bundle.required("tree_right", "a test")
    feature, threshold = (
        bundle.required("tree_feature", "a test"),
        bundle.required("tree_threshold", "a test"),
    )
    score = 0.0
    for root in bundle.required("tree_root", "a test"):
        node = root
        while feature[node] >= 0:
            passes = features[feature[node]] <= threshold[node]
            node = left[node] if passes else right[node]
        score += float(bundle.required("tree_value", "a test")[node])
    return score


def _past(bundle: Bundle, user_id: str | None) -> list[Past]:
    """The user's past baskets, oldest first."""
    user = bundle.user_ids.row(user_id or "")
    if user is None:
        return []
    as_of = bundle.manifest.cut_s
    begun, lines = bundle.required("past_begun", "a test"), bundle.required("past_item", "a test")
    baskets, starts = (
        bundle.required("past_indptr", "a test"),
        bundle.required("past_item_indptr", "a test"),
    )
    return [
        Past(
            (as_of - int(begun[basket])) / DAY_S,
            set(lines[starts[basket] : starts[basket + 1]].tolist()),
        )
        for basket in range(baskets[user], baskets[user + 1])
    ]
