"""Settings of the process: environment variables `RTT2VEC_…`, or flags of `rtt2vec-serve`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.settings.recommend_options import RecommendOptions

LogLevel = Literal["debug", "info", "warning", "error"]
LogUsers = Literal["off", "hashed", "plain"]
"""How logs show user ids."""

PREFIX = "RTT2VEC_"
"""How the names of variables begin."""

SERVERS = r"^[^\s,@/]+:\d+(,[^\s,@/]+:\d+)*$"
"""`host:port`, several between commas: how settings and commands name servers."""


SECRET_CHARS = 16
"""The least length of a key, in characters."""

TIMEOUT_LIMIT_MS = 3_600_000
"""The longest time that may be set for an answer: an hour."""


class _Listening(BaseSettings):
    """Where a process listens and what it reads; first in the order of `--help`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        cli_prog_name="rtt2vec-serve",
        cli_kebab_case=True,
        cli_hide_none_type=True,
    )

    bundle: Path = Field(
        Path("bundles"), description="Directory of a bundle, or one whose `current` points at it."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(
        8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one."
    )
    workers: int = Field(1, ge=1, le=256, description="Number of processes that answer requests.")
    log_level: LogLevel = Field("info", description="Least severe log record that is written.")

    # What a request may ask for.
    basket_limit: int = Field(200, ge=1, description="Items a request's basket may hold.")
    exclude_limit: int = Field(
        1000, ge=0, description="Items, and categories, that a request may exclude."
    )
    k_limit: int = Field(100, ge=1, description="Recommendations a request may ask for.")
    id_limit_chars: int = Field(
        128, ge=1, description="Characters a user, item or category of a request may have."
    )
    body_limit_bytes: int = Field(65536, ge=1, description="Bytes a request body may have.")
    batch_limit: int = Field(
        100, ge=1, le=100, description="Requests that a body of `POST /recommend/batch` may have."
    )
    batch_body_limit_bytes: int = Field(
        1 << 20, ge=1, le=1 << 20, description="Bytes a body of `POST /recommend/batch` may have."
    )


class Settings(RecommendOptions, _Listening):
    """Serve recommendations. Every flag, --k-limit, is also a variable, RTT2VEC_K_LIMIT."""

    # Fields with `repr=False` may hold secrets, if only by mistake: their values are never shown.

    # Files of the shop.
    rules: Path | None = Field(
        None,
        description="YAML file of business rules; read again whenever it changes.",
    )
    availability: Path | None = Field(
        None,
        description="Parquet file of what is in stock, `store_id` and `item_id`; read again "
        "whenever it changes.",
    )

    # Purchases as they happen.
    events: Path | None = Field(
        None,
        description="Directory in which purchases sent to `POST /events` are kept; without one "
        "the route is off.",
    )
    events_body_limit_bytes: int = Field(
        1 << 20, ge=1, description="Bytes a request body of `POST /events` may have."
    )
    events_batch_limit: int = Field(
        2000, ge=1, le=10_000, description="Events a request of `POST /events` may have."
    )
    events_export_every_s: float = Field(
        60, gt=0, description="Seconds between two exports of new events to Parquet files."
    )
    events_limit: int = Field(
        5_000_000,
        ge=1,
        description="Events that stay in the journal after they were exported. Older ones no "
        "longer count for profiles, and count as new if they are sent again.",
    )
    events_timeout_ms: int = Field(
        2000,
        ge=1,
        le=60_000,
        description="Milliseconds that a batch of events may wait for other writers.",
    )
    dead_letters_limit_bytes: int = Field(
        64 << 20,
        ge=1 << 16,
        description="Bytes of the file of refused events; beyond, the older half is dropped.",
    )
    dead_letters_days: float = Field(
        90, gt=0, description="Days after which refused events are dropped."
    )
    kafka: str | None = Field(
        None,
        pattern=SERVERS,
        repr=False,
        description="Kafka brokers, `host:port,host:port`, whose events are kept as well, in "
        "the directory `events`.",
    )
    kafka_topic: str = Field("purchases", description="Topic of the events, one per message.")
    kafka_group: str = Field(
        "",
        description="Consumer group, one per directory `events`; by default named after that and "
        "the machine.",
    )
    kafka_options: dict[str, SecretStr] = Field(
        {},
        repr=False,
        description="Further options of the consumer, by librdkafka's names, in JSON.",
    )

    # How another bundle takes over.
    canary_requests: int = Field(
        100,
        ge=0,
        description="Recent requests that a new bundle answers on trial before it takes over; 0 "
        "skips the trial.",
    )
    canary_failure_limit: int = Field(
        0, ge=0, description="Requests of the trial that may fail or get fewer recommendations."
    )
    canary_min_overlap: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Smallest share of the old bundle's recommendations that the new one repeats.",
    )
    canary_slowdown_limit: float = Field(
        3.0, gt=0, description="Largest median processor time, as a multiple of the old bundle's."
    )

    # Who may do what.
    api_keys: Path | None = Field(
        None,
        description="TOML file of API keys (hashes and scopes); without one all routes except "
        "the admin routes are open.",
    )
    admin_key: SecretStr | None = Field(
        None,
        repr=False,
        description="Key of the admin routes and of forgetting users, sent as `Authorization: "
        "Bearer …`; without one they are off.",
    )
    cors_origins: str | None = Field(
        None,
        description="Origins whose pages may call the service from a browser, separated by "
        "commas; none by default.",
    )
    log_users: LogUsers = Field(
        "off",
        description="How the log shows the users of /recommend: `off` not at all, `hashed` with "
        "a key that lasts until the service stops, `plain` as they are.",
    )

    storefront: Literal["off", "on"] = Field(
        "off",
        description="Whether `/shop` shows a shop in which people can try the recommendations, "
        "`/console` what runs, and `/embed.js` is there for other pages.",
    )

    # Profiles on servers.
    memcached: str | None = Field(
        None,
        pattern=SERVERS,
        repr=False,
        description="memcached servers that hold the profiles, `host:port,host:port`; see "
        "`rtt2vec-build publish-profiles`.",
    )
    memcached_timeout_ms: int = Field(
        5, ge=1, description="Milliseconds that a server may take to connect, and again to answer."
    )

    # Traces.
    traces: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]+$",
        repr=False,
        description="URL of an OpenTelemetry collector that takes traces, OTLP over HTTP: "
        "`http://collector:4318`.",
    )
    trace_share: float = Field(
        0.01, ge=0, le=1, description="Share of requests traced, unless the caller decides."
    )

    # How connections live and end.
    timeout_ms: int | None = Field(
        None,
        ge=1,
        le=TIMEOUT_LIMIT_MS,
        description="Milliseconds an answer may take if the request does not say; if they are "
        "too few for all the work, the answer rests on less.",
    )
    queue_limit: int = Field(
        32, ge=1, description="Requests that may wait in a worker; further ones are answered 503."
    )
    connection_limit: int = Field(
        1000, ge=1, description="Connections a worker keeps; beyond, an idle one is closed."
    )
    unfinished_limit_bytes: int = Field(
        1 << 25,
        ge=1 << 20,
        description="Bytes a worker keeps of requests that have not arrived whole, and of answers "
        "that are not read; beyond, the oldest of these connections is closed.",
    )
    transfer_timeout_s: float = Field(
        30, gt=0, description="Seconds a request may take to arrive, or an answer to be read."
    )
    drain_s: float = Field(
        0, ge=0, description="Seconds to keep answering after SIGTERM, while readiness is off."
    )
    shutdown_grace_s: int = Field(
        10, ge=0, description="Seconds that requests in flight may take to finish on SIGTERM."
    )
    keep_alive_s: int = Field(
        75, ge=0, description="Seconds an idle connection stays open; exceed the proxy's idle time."
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, given: Any) -> Any:
        """An empty flag means the same as an empty variable; a blank one names nothing either."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if not _is_blank(value)}

    @field_validator("admin_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        secret = key.get_secret_value() if key is not None else ""
        if secret and (len(secret) < SECRET_CHARS or secret != secret.strip()):
            raise ValueError(f"expected at least {SECRET_CHARS} characters, without spaces around")
        return key

    @field_validator("kafka")
    @classmethod
    def _kept(cls, brokers: str | None, known: ValidationInfo) -> str | None:
        if brokers is not None and known.data.get("events") is None:
            raise ValueError("expected a directory for its events: set `events` too")
        return brokers


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
