"""The basket score: how likely a basket is this user's, and how likely it is any user's."""
