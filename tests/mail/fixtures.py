"""An app whose mails go to a real SMTP server on loopback."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from tests.smtp import Postbox, listening


@pytest.fixture
def use_smtp(configure: Callable[..., None], make_app: Callable[[], Flask]) -> Callable[..., Flask]:
    """Build the app with the SMTP server of a port."""

    def build(port: int, **keys: str) -> Flask:
        server = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
        configure(MAIL_TRANSPORT="smtp", **(server | keys))
        return make_app()

    return build


@pytest.fixture
def smtp(use_smtp: Callable[..., Flask]) -> Iterator[Postbox]:
    """Give a server, and an app that sends by it."""
    box = Postbox()
    with listening(box) as port:
        use_smtp(port)
        yield box
