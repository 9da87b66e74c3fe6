"""The running service is the same here as in the service's own tests."""

from tests.service.conftest import bundle_dir, served

__all__ = ["bundle_dir", "served"]
