"""The contents of a bundle, from what the stages of a build produced."""
