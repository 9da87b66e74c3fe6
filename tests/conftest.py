"""What holds for every test."""

import os

from hypothesis import settings

# The same examples on every machine, however busy it is. To look for new ones:
# pytest --hypothesis-profile=exploring
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("exploring", deadline=None)
settings.load_profile("repeatable")

# Neither the settings nor the terminal of whoever runs the tests. Here, and not in a fixture: some
# modules look when they are imported.
for name in list(os.environ):
    if name.startswith("RTT2VEC_") or name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        del os.environ[name]
os.environ["COLUMNS"] = "80"
