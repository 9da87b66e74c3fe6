"""The table of the ranker's features.

To add a feature, add its name here and its formula to `feature_matrix.py`. Bundles name the columns
of their trees, so the order of the table may change from release to release. The basket score takes
all features but those that `basket_score/score_columns.py` leaves out.
"""

import numpy as np

from service.recommending.aggregate import Part

FEATURES: dict[str, Part] = {
    "neighbour_sum": "basket",
    "neighbour_sum_relative": "basket",
    "neighbour_max": "basket",
    "confidence_mean": "basket",
    "confidence_excess": "basket",
    "neighbour_weight_sum": "basket",
    "cohesion_basket": "basket",
    "basket_size": "basket",
    "same_subcategory": "basket",
    "same_category": "basket",
    "same_department_share": "basket",
    "purchases": "user",
    "purchases_per_basket": "user",
    "recency_14d": "user",
    "recency_60d": "user",
    "recency_180d": "user",
    "recency_60d_relative": "user",
    "days_since_last": "user",
    "mean_gap_days": "user",
    "days_since_last_per_gap": "user",
    "days_since_last_per_typical_gap": "user",
    "like_basket_vote": "user",
    "like_basket_vote_relative": "user",
    "late_vote_relative": "user",
    "share_vote": "user",
    "subcategory_vote": "user",
    "subcategory_vote_relative": "user",
    "history_weight_sum": "user",
    "cohesion_user": "user",
    "user_baskets": "user",
    "days_since_last_basket": "user",
    "user_mean_basket_size": "user",
    "subcategory_share": "user",
    "share_in_subcategory": "user",
    "subcategory_recency_14d": "user",
    "subcategory_days_since_last": "user",
    "cohesion": "user",
    "log_popularity": "popularity",
    "log_popularity_7d": "popularity",
    "log_popularity_14d": "popularity",
    "log_popularity_30d": "popularity",
    "log_popularity_90d": "popularity",
    "log_share_of_subcategory": "popularity",
    "log_buyers": "popularity",
    "purchases_per_buyer": "popularity",
    "typical_gap_days": "popularity",
    "new_buyer_share": "popularity",
}
"""The columns of the feature matrix, each with the part of the score that it explains."""

# The row of each feature in the matrix: an argument of `fill`, since Numba's cache does not
# notice that a constant of another file changes.
POSITIONS = np.array([tuple(range(len(FEATURES)))], [(name, np.int32) for name in FEATURES])
