"""Business rules: what merchandisers want, which wins over any model.

YAML and the schema of a rules file take memory in every worker: whoever has no such file imports
`files` and `errors` alone, and those import the rest when it is needed.
"""
