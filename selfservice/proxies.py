"""What the proxies in front say of a visitor: X-Forwarded-For, as each kind of them writes it."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
MAX_CHARACTERS = 64
MOST = 6  # PROXY_COUNT goes up to 5; what a visitor wrote before counts for nothing
_WITH_PORT = re.compile(r"\[([^]]*)\](?::\d*)?|([^:]*):\d*")


class ForwardedFor:
    """Rewrite X-Forwarded-For as ProxyFix reads it: addresses alone, without quotes or ports.

    A quote that a visitor sends would swallow what the proxies add behind it.
    """

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if FORWARDED_FOR in environ:
            found = (address_in(each) for each in entries(environ[FORWARDED_FOR]))
            environ[FORWARDED_FOR] = ", ".join(found)
        return self._application(environ, start_response)


def entries(header: str) -> list[str]:
    """Return the last that stand in a header X-Forwarded-For; each proxy adds one at its end."""
    return [each.strip() for each in header.split(",") if each.strip()][-MOST:]


def visitor_of(header: str, *, peer: str, count: int) -> str:
    """Return the address that ProxyFix finds in a header behind so many proxies, else the peer."""
    found = entries(header)
    return address_in(found[-count]) if 0 < count <= len(found) else peer


def address_in(entry: str) -> str:
    """Return the address of « 192.0.2.7:51234 » or « [2001:db8::7]:443 », in its usual writing.

    What is no address stays as it is, cut: two visitors must not become one.
    """
    text = entry.replace('"', "").strip()
    found = _WITH_PORT.fullmatch(text)
    host = (found[1] or found[2] or "") if found else text
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return text[:MAX_CHARACTERS] or "?"
    return str((address.version == 6 and address.ipv4_mapped) or address)
