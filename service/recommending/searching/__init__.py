"""From a basket to what the index finds: anchors, queries, search."""
