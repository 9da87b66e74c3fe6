"""A bundle, its opponents and its ablations, judged by the baskets after the cut."""
