"""Whose request is answered next: the connections, and what waits for a thread of the server.

Nobody's many requests, slow ones or those that he has left keep the others waiting.
"""

import select
import socket
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from enum import IntEnum
from struct import pack
from time import monotonic
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import Error

from selfservice import proxies, ratelimit
from selfservice.http_parser import RefusalTask, StrictParser
from selfservice.invoices.places import MAX_BUILDING
from selfservice.web import TAKEN_AWAY

CONNECTIONS = 1000
SILENCE_SECONDS = 20  # after which a connection that sends or takes nothing is closed
UNREAD_SECONDS = 300  # after which one is closed whose answer is on its way
CROWD, CROWD_SILENCE_SECONDS = CONNECTIONS // 2, 3  # either, where many are open
MOST_OF_A_VISITOR = 100  # requests that wait, and answers on their way
MOST_OF_A_CUSTOMER = 400  # in all networks of a /48 of IPv6: others still find a connection
# For a thread. nginx waits 120 s for an answer, then takes a host for silent, and leaves it aside:
# of two hosts, one visitor who asks for a hundred archives at once would stop both.
WAITING_SECONDS = 60
MOST_AHEAD = 4  # requests that a connection may send before their answers: no proxy sends any
SENDING_BYTES = 128 * 1024
AT_ONCE = pack("ii", 1, 0)  # of SO_LINGER: yes, for no second


class TooManyRequests(Error):  # noqa: N818 (named as the others of waitress are)
    code = 429
    reason = "Too Many Requests"


class Kind(IntEnum):
    """What a request may take: a page little, a form a turn to hash or to write, a file longer."""

    PAGE, FORM, FILE = range(3)


class Waiting:
    """The requests that wait for a thread, each visitor's in turn: a deque for waitress.

    Who sends many at once waits for himself; the others go on. The networks of a /48 of IPv6
    take turns among themselves, and have one turn together: one customer may hold all 256. No
    customer has more than half of the threads, and of the places to hash that these can take.
    Forms and files leave a thread to pages, and files one more to forms: they wait here, where
    they would find no turn. Each kind has turns of its own, so that none waits for another.
    """

    def __init__(self, threads: int) -> None:
        self._most_served = max(1, threads // 2)
        self._most_heavy = max(1, threads - 1)
        self._most_files = max(1, min(MAX_BUILDING, threads - 2))
        self._served: Counter[str] = Counter()
        self._kinds: Counter[Kind] = Counter()
        self._of_kind: dict[Kind, dict[str, dict[str, deque[StrictChannel]]]] = {
            kind: {} for kind in Kind
        }

    def __len__(self) -> int:
        """Return 1 if there is a request that a thread may take now."""
        return int(next(self._turns(), None) is not None)

    def append(self, channel: "StrictChannel") -> None:
        channel.note_request()
        own = self._of_kind[channel.kind].setdefault(channel.customer_network, {})
        own.setdefault(channel.visitor, deque()).append(channel)

    def popleft(self) -> "StrictChannel":
        kind, wide = next(self._turns())
        of_wide = self._of_kind[kind] = self._of_kind.pop(kind)  # what was served goes behind
        own = of_wide.pop(wide)
        visitor = next(iter(own))
        waiting = own.pop(visitor)
        channel = waiting.popleft()
        if waiting:
            own[visitor] = waiting
        if own:
            of_wide[wide] = own
        self._served[wide] += 1
        self._kinds[kind] += 1
        return channel

    def end(self, wide: str, kind: Kind) -> None:
        """Note that a thread is free again: it then looks for a request itself."""
        self._kinds[kind] -= 1
        self._served[wide] -= 1
        if not self._served[wide]:
            del self._served[wide]

    def _turns(self) -> Iterator[tuple[Kind, str]]:
        for kind, of_wide in self._of_kind.items():
            if self._is_room_for(kind):
                yield from (
                    (kind, wide) for wide in of_wide if self._served[wide] < self._most_served
                )

    def _is_room_for(self, kind: Kind) -> bool:
        heavy = self._kinds[Kind.FORM] + self._kinds[Kind.FILE]
        is_file_too_many = kind is Kind.FILE and self._kinds[kind] >= self._most_files
        return kind is Kind.PAGE or (heavy < self._most_heavy and not is_file_too_many)


class StrictChannel(HTTPChannel):
    parser_class = StrictParser
    error_task_class = RefusalTask
    proxy_count = 0
    visitor = customer_network = ""
    kind = Kind.PAGE
    waits_since = 0.0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Of a file, waitress reads as much at once as the system might take: several megabytes.
        self.sendbuf_len = SENDING_BYTES
        # The system tells that it can take more once a third of that is read: who reads slowly
        # would seem to read nothing for minutes.
        if self.socket is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENDING_BYTES)
        # Who asks and does not read would hold every connection, through Caddy too.
        self.adj.channel_timeout = CROWD_SILENCE_SECONDS if self._is_in_crowd() else SILENCE_SECONDS

    @property  # type: ignore[override]  # which is of floats in truth, too
    def last_activity(self) -> float:
        """When it last sent or took something, for the server, which closes the silent ones.

        An answer has longer: a proxy holds some megabytes of it, which a slow line takes in minutes
        while we see nothing taken.
        """
        is_patient = self.total_outbufs_len and not self._is_in_crowd()
        return self._active_at + (UNREAD_SECONDS - SILENCE_SECONDS if is_patient else 0)

    @last_activity.setter
    def last_activity(self, instant: float) -> None:
        self._active_at = instant

    def _is_in_crowd(self) -> bool:
        return len(self.server.active_channels) > CROWD

    def received(self, data: bytes) -> bool:
        is_taken: bool = super().received(data)
        if len(self.requests) > MOST_AHEAD:  # each might hold a file that nobody reads
            self.cancel()
        return is_taken

    def writable(self) -> bool:
        """Tell the server's loop whether to write, and close what is to be closed unread.

        Who reads nothing leaves no room to write: the loop would wait for it, and close never.
        """
        if self.will_close and self.total_outbufs_len and self.socket is not None:
            with suppress(OSError):
                # Nor is what the system holds of the answer kept for who does not read it.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                self.socket.shutdown(socket.SHUT_RDWR)
        return bool(super().writable())

    def note_request(self) -> None:
        """Remember whose the request is that waits, by the networks that the limits count."""
        request = self.requests[0]
        self.waits_since = monotonic()
        self.kind = _kind_of(request)
        forwarded = request.headers.get("X_FORWARDED_FOR", "")
        peer = self.addr[0] if self.addr else ""
        address = proxies.visitor_of(forwarded, peer=peer, count=self.proxy_count)
        self.visitor = ratelimit.network_of(address)
        self.customer_network = ratelimit.customer_network_of(address)

    def service(self) -> None:
        """Answer a request, unless its sender has left, has waited long or has many under way.

        A proxy closes what its visitor gives up, and counts it no more: without this, one visitor
        who asks and leaves would keep the threads busy for minutes.
        """
        # Another's may follow on the connection of a proxy.
        wide, kind = self.customer_network, self.kind
        try:
            if self._has_left():
                self.cancel()
                self.server.pull_trigger()
                return
            has_waited_long = monotonic() - self.waits_since > WAITING_SECONDS
            if has_waited_long or self._has_too_many():
                self.requests[0].error = TooManyRequests("too many requests of one network at once")
            super().service()
        finally:
            dispatcher = self.server.task_dispatcher
            with dispatcher.lock:
                dispatcher.queue.end(wide, kind)
                dispatcher.queue_cv.notify()  # two may go on: one of its sender, one of its kind

    def _has_left(self) -> bool:
        """Tell whether the sender has closed, whatever else lies unread before the end."""
        if self.socket is None:
            return True
        end = select.poll()
        try:
            end.register(self.socket, select.POLLRDHUP)
        except (OSError, ValueError):  # closed here meanwhile
            return True
        return bool(end.poll(0))

    def _has_too_many(self) -> bool:
        """Tell whether the sender's network has too many others under way.

        Where one of them is an answer that nobody reads, it is given up instead: who else is behind
        the same address goes on.
        """
        channels = list(self.server.active_channels.values())
        if len(channels) <= MOST_OF_A_VISITOR:
            return False
        wide = [each for each in channels if each.customer_network == self.customer_network]
        under_way = [each for each in wide if each.requests or each.total_outbufs_len]
        own = [each for each in under_way if each.visitor == self.visitor]
        if len(own) <= MOST_OF_A_VISITOR and len(under_way) <= MOST_OF_A_CUSTOMER:
            return False
        crowd = own if len(own) > MOST_OF_A_VISITOR else under_way
        unread = [each for each in crowd if not each.requests and not each.will_close]
        if not unread:
            return True
        min(unread, key=lambda each: each.last_activity).will_close = True
        self.server.pull_trigger()
        return False


def _kind_of(request: StrictParser) -> Kind:
    if request.error:  # it may have neither a method nor a path
        return Kind.PAGE
    if request.command not in ("GET", "HEAD"):
        return Kind.FORM
    return Kind.FILE if any(ending in request.path for ending in TAKEN_AWAY) else Kind.PAGE
