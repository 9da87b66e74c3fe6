"""The commands of `rtt2vec-serve` other than to serve."""
