"""Business rules: the wishes of merchandisers, which take precedence over any model.

YAML and the schema of a rules file take memory in every worker. `files` and `errors` import them
only if there is such a file, so other modules should import those two alone.
"""
