"""What holds for every test."""

from hypothesis import settings

# The same examples on every machine, however busy it is. To look for new ones:
# pytest --hypothesis-profile=default
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
