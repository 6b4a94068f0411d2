"""Named limits, counted in the portal's own database so that all workers share them."""

import ipaddress
from datetime import UTC, datetime, timedelta
from math import ceil

from flask import current_app
from limits import RateLimitItem, parse
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Case, CharField, DateTimeField, IntegerField, PeeweeException

from selfservice import clock
from selfservice.db import BaseModel
from selfservice.tokens import hash_secret

CLOCK_SLACK = timedelta(minutes=1)


class RateCounter(BaseModel):
    """Hits of one key in one window; `expires_at` (UTC) ends the window."""

    key = CharField(max_length=255, primary_key=True)
    hits = IntegerField()
    expires_at = DateTimeField(index=True)


class LimitReachedError(Exception):
    """Too many hits; `retry_after_seconds` until the window ends."""

    def __init__(self, name: str, retry_after_seconds: int) -> None:
        super().__init__(name)
        self.name = name
        self.retry_after_seconds = retry_after_seconds


class DatabaseStorage(Storage):
    """Counts of `limits` in the table above; call outside any transaction."""

    STORAGE_SCHEME = ["database"]  # noqa: RUF012 - the library declares it so

    @property
    def base_exceptions(self) -> type[Exception]:
        return PeeweeException

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a window, beginning a new one where the last has ended, in one statement."""
        now = clock.now()
        fresh = now + timedelta(seconds=expiry)
        # A window that ends long after a fresh one dates from a clock since set back. One that ends
        # a moment after it was begun by a request that read the clock later and was written first.
        ended = (RateCounter.expires_at <= now) | (RateCounter.expires_at > fresh + CLOCK_SLACK)
        rows = (
            RateCounter.insert(key=key, hits=amount, expires_at=fresh)
            .on_conflict(
                conflict_target=[RateCounter.key],
                update={
                    RateCounter.hits: Case(None, ((ended, amount),), RateCounter.hits + amount),
                    RateCounter.expires_at: Case(None, ((ended, fresh),), RateCounter.expires_at),
                },
            )
            .returning(RateCounter.hits)
            .execute()
        )
        return int(next(iter(rows)).hits)

    def get(self, key: str) -> int:
        row = self._living(key)
        return int(row.hits) if row else 0

    def get_expiry(self, key: str) -> float:
        row = self._living(key)
        return _epoch(row.expires_at if row else clock.now())

    def check(self) -> bool:
        return bool(RateCounter.table_exists())

    def reset(self) -> int:
        return int(RateCounter.delete().execute())

    def clear(self, key: str) -> None:
        RateCounter.delete().where(RateCounter.key == key).execute()

    def _living(self, key: str) -> RateCounter | None:
        row: RateCounter | None = RateCounter.get_or_none(
            RateCounter.key == key, RateCounter.expires_at > clock.now()
        )
        return row


def hit(name: str, identity: str = "all") -> None:
    """Count one hit of the limit LIMIT_<NAME> for an identity.

    Raises LimitReachedError past it. The hit counts before the work it protects is done, so
    that parallel requests cannot slip through.
    """
    limiter = FixedWindowRateLimiter(_storage())
    item = _item(name)
    key = hash_secret(identity)
    if not limiter.hit(item, name, key):
        ends = limiter.get_window_stats(item, name, key).reset_time
        raise LimitReachedError(name, max(1, ceil(ends - _epoch(clock.now()))))


def network_of(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def forget_expired() -> int:
    """Delete the windows that have ended."""
    return int(RateCounter.delete().where(RateCounter.expires_at <= clock.now()).execute())


def _epoch(instant: datetime) -> float:
    return instant.replace(tzinfo=UTC).timestamp()


def _item(name: str) -> RateLimitItem:
    return parse(current_app.config[f"LIMIT_{name.upper()}"])


def _storage() -> Storage:
    extensions = current_app.extensions
    if "ratelimit_storage" not in extensions:
        uri = current_app.config["RATELIMIT_STORAGE_URI"]
        extensions["ratelimit_storage"] = storage_from_string(uri)
    storage: Storage = extensions["ratelimit_storage"]
    return storage
