"""The basket score: whether a basket looks like this user's, and like anybody's."""
