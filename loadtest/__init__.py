"""Load tests of a running service, over HTTP alone."""
