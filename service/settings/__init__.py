"""The service's settings; they import nothing else of the service."""

from service.settings.recommend_options import RecommendOptions, SearchForm
from service.settings.settings import (
    PREFIX,
    SECRET_CHARS,
    SERVERS,
    TIMEOUT_LIMIT_MS,
    LogUsers,
    Settings,
)

__all__ = [
    "PREFIX",
    "SECRET_CHARS",
    "SERVERS",
    "TIMEOUT_LIMIT_MS",
    "LogUsers",
    "RecommendOptions",
    "SearchForm",
    "Settings",
]
