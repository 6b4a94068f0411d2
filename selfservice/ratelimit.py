"""Named limits, counted in the portal's own database so that all workers share them."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import ceil

from flask import current_app
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from peewee import Case, CharField, DateTimeField, IntegerField, PeeweeException

from selfservice import clock, db
from selfservice.db import BaseModel
from selfservice.tokens import hash_secret

CLOCK_SLACK = timedelta(minutes=1)
# One subscriber may get a /56 of IPv6, one provider's customer a /48: 256 of the former.
IPV6_PREFIX, IPV6_WIDE_PREFIX = 56, 48
WIDE_FACTOR = 8
DATABASE = "database://"
PATIENCE_SECONDS = 2  # with a storage elsewhere
ELSEWHERE: dict[str, float | bool] = {
    "wrap_exceptions": True,
    "socket_connect_timeout": PATIENCE_SECONDS,
    "socket_timeout": PATIENCE_SECONDS,
}
# Nothing can be counted now, in the database or elsewhere: nothing that is limited is done.
FAULTS: tuple[type[Exception], ...] = (*db.FAULTS, StorageError)


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
        """Add to a window, beginning a new one where the last has ended, in one statement.

        A negative amount gives places back; a window that it begins has nothing to give.
        """
        now = clock.now()
        first = max(amount, 0)
        fresh = now + timedelta(seconds=expiry)
        # A window that ends long after a fresh one dates from a clock since set back. One that ends
        # a moment after it was begun by a request that read the clock later and was written first.
        ended = (RateCounter.expires_at <= now) | (RateCounter.expires_at > fresh + CLOCK_SLACK)
        rows = (
            RateCounter.insert(key=key, hits=first, expires_at=fresh)
            .on_conflict(
                conflict_target=[RateCounter.key],
                update={
                    RateCounter.hits: Case(None, ((ended, first),), RateCounter.hits + amount),
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


def hit(name: str, identity: str = "all", *, times: int = 1) -> None:
    """Count one hit of the limit LIMIT_<NAME> for an identity, or several at once.

    Raises LimitReachedError past it. The hit counts before the work it protects is done, so
    that parallel requests cannot slip through.
    """
    _hit(name, _item(name), identity, times=times)


def hit_wide(name: str, identity: str) -> None:
    """Count one hit for all networks together, beside `hit_from`.

    The limit is twice what a /48 has, so that none uses it up alone. Raises LimitReachedError.
    """
    _hit(name, _item(name, times=2 * WIDE_FACTOR), f"wide {identity}")


def hit_from(name: str, address: str, *, of: str = "") -> None:
    """Count one hit of a visitor's network: an IPv4 address, or the /56 of an IPv6 one.

    The /48 around an IPv6 address counts too, up to WIDE_FACTOR times the limit: who is given a
    /48 has 256 networks. Hits `of` one thing count by themselves. Raises LimitReachedError.
    """
    about = f"{of} " if of else ""
    _hit(name, _item(name), about + network_of(address))
    if (wide := customer_network_of(address)) != network_of(address):
        _hit(name, _item(name, times=WIDE_FACTOR), about + wide)


def hit_leaving_one(name: str, identity: str, address: str) -> None:
    """Count one hit of an identity, and of it from a network, which has the limit.

    All networks have one more, or who uses up another's would leave them none. A network is what
    one customer may hold. Raises LimitReachedError.
    """
    _hit(name, _item(name), f"{identity} {customer_network_of(address)}")
    _hit(name, _item(name, more=1), identity)


def hit_leaving_half(name: str, identity: str, address: str) -> None:
    """Count one hit of an identity, of which a network has half: it leaves others the rest.

    A network is what one customer may hold. Raises LimitReachedError.
    """
    for item, counted in _halves(name, identity, address):
        _hit(name, item, counted)


def check_leaving_half(name: str, identity: str, address: str) -> None:
    """Raise LimitReachedError if a further `hit_leaving_half` would; count nothing."""
    for item, counted in _halves(name, identity, address):
        _check(name, item, counted)


def check(name: str, identity: str = "all") -> None:
    """Raise LimitReachedError if a further hit would; count nothing."""
    _check(name, _item(name), identity)


@contextmanager
def failure(name: str, identity: str, *, of: type[Exception], divisor: int = 1) -> Iterator[None]:
    """Count what is done in the block only if it fails by an exception `of` this type.

    A place is taken before and given back after, so that parallel failures cannot slip through.
    `divisor` leaves the identity a part of the limit. Raises LimitReachedError before the block
    where there is no place.
    """
    item = _item(name, divisor=divisor)
    try:
        _hit(name, item, identity)
    except LimitReachedError:
        _give_back(name, item, identity)  # what is refused has not failed
        raise
    try:
        yield
    except of:
        raise
    except BaseException:
        _give_back(name, item, identity)
        raise
    _give_back(name, item, identity)


def network_of(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or the /56 of an IPv6 one."""
    parsed = _parse(address)
    if parsed is None:
        return f"unknown {address}"  # two of them are two visitors
    return str(parsed) if parsed.version == 4 else _network(parsed, IPV6_PREFIX)


def customer_network_of(address: str) -> str:
    """Return what one customer of a provider may hold: an IPv4 address, or the /48 of an IPv6."""
    parsed = _parse(address)
    if parsed is None or parsed.version == 4:
        return network_of(address)
    return _network(parsed, IPV6_WIDE_PREFIX)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (parsed.version == 6 and parsed.ipv4_mapped) or parsed


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int) -> str:
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _hit(name: str, item: RateLimitItem, identity: str, *, times: int = 1) -> None:
    key = hash_secret(identity)
    if not _limiter().hit(item, name, key, cost=times):
        raise _reached(name, item, key)


def _check(name: str, item: RateLimitItem, identity: str) -> None:
    key = hash_secret(identity)
    if not _limiter().test(item, name, key):
        raise _reached(name, item, key)


def _halves(name: str, identity: str, address: str) -> list[tuple[RateLimitItem, str]]:
    """Return what `hit_leaving_half` counts: of the network, then of all."""
    of_network = f"{identity} {customer_network_of(address)}"
    return [(_item(name, divisor=2), of_network), (_item(name), identity)]


def _give_back(name: str, item: RateLimitItem, identity: str) -> None:
    _limiter().hit(item, name, hash_secret(identity), cost=-1)


def _reached(name: str, item: RateLimitItem, key: str) -> LimitReachedError:
    ends = _limiter().get_window_stats(item, name, key).reset_time
    return LimitReachedError(name, max(1, ceil(ends - _epoch(clock.now()))))


def is_reachable() -> bool:
    """Tell whether limits can be counted where RATELIMIT_STORAGE_URI says."""
    try:
        return _storage().check()
    except db.FAULTS:
        return False


def forget_expired() -> int:
    """Delete the windows that have ended."""
    return int(RateCounter.delete().where(RateCounter.expires_at <= clock.now()).execute())


def _epoch(instant: datetime) -> float:
    return instant.replace(tzinfo=UTC).timestamp()


def _item(name: str, *, times: int = 1, divisor: int = 1, more: int = 0) -> RateLimitItem:
    """Return the limit of a setting, or that many times it, or a part, which is one at least."""
    whole = parse(current_app.config[f"LIMIT_{name.upper()}"])
    return type(whole)(max(1, whole.amount * times // divisor) + more, whole.multiples)


def _limiter() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(_storage())


def _storage() -> Storage:
    extensions = current_app.extensions
    if "ratelimit_storage" not in extensions:
        uri = current_app.config["RATELIMIT_STORAGE_URI"]
        options = {} if uri == DATABASE else ELSEWHERE
        extensions["ratelimit_storage"] = storage_from_string(uri, **options)
    storage: Storage = extensions["ratelimit_storage"]
    return storage
