"""The evaluation of a bundle, its opponents and its ablations by the baskets after the cut."""
