"""Tools of the developers, run by `make`."""
