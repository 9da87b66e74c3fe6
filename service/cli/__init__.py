"""The commands of `rtt2vec-serve`: to serve, and to work on what a service keeps."""
