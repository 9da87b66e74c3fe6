"""The command rtt2vec-build: one module for each of its commands."""
