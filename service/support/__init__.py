"""Small tools that know nothing of recommendations and import nothing of ours."""
