"""What servers really answer, and whom each answer is about."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfservice.mail import replies
from selfservice.mail.replies import PORTAL, REASONS, Reply
from selfservice.notifications import messages
from selfservice.operations.smtp import OF_REASON


def heard() -> Iterator[tuple[str, str]]:
    """Give what Postfix, Exchange, Gmail, Orange, OVH, Free and others send, by its meaning."""
    reason = ""
    for line in Path(__file__).with_name("replies.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            reason = line.strip("[]")
        elif line and not line.startswith("#"):
            yield reason, line


def read(line: str) -> Reply:
    stage, code, words = line.strip().split(" ", 2)
    return Reply(stage, int(code), words)


@pytest.mark.parametrize(("reason", "line"), list(heard()))
def test_a_reply_is_about_whom_it_says(reason: str, line: str) -> None:
    assert read(line).reason == reason


@pytest.mark.parametrize("stage", ["greeting", "tls", "hello", "login", "sender"])
@pytest.mark.parametrize("code", [421, 450, 451, 454, 500, 501, 502, 504, 530, 550, 553, 554, 571])
@pytest.mark.parametrize("words", ["", "no", "5.1.1 who are you", "5.7.1 denied", "5.2.2 full"])
def test_before_a_recipient_is_named_only_the_portal_can_be_meant(
    stage: str, code: int, words: str
) -> None:
    assert Reply(stage, code, words).reason in PORTAL


@pytest.mark.parametrize("name", ["relay", "helo", "spf", "quota", "sender", "blacklist", "tls"])
def test_a_name_in_a_reply_is_no_reason(name: str) -> None:
    words = f"5.7.1 <{name}@{name}.example>: refused, see https://{name}.example/{name}"
    assert Reply("recipient", 550, words).reason == "refused"


@pytest.mark.parametrize(
    "words", ["client [5.1.1.9] no", "client 5.7.60.2 no", "Exim 15.2.2 no", "v5.7.60x no"]
)
def test_an_address_or_a_version_is_no_enhanced_code(words: str) -> None:
    assert Reply("recipient", 571, words).reason == "refused"


def test_a_code_stands_where_old_servers_put_it() -> None:
    assert Reply("recipient", 571, "sorry, no mailbox here (#5.1.1)").reason == "unknown_address"


def test_an_endless_reply_is_read_in_no_time() -> None:
    started = time.process_time()
    for word in ("sender ", "relay ", "mailbox ", "limit ", "<", "a@", "size ", "x" * 50):
        Reply("recipient", 550, word * 100_000).reason  # noqa: B018
    assert time.process_time() - started < 1


def test_every_reason_has_its_words_and_every_one_of_the_portal_its_finding() -> None:
    assert set(messages.REASONS) == set(REASONS)
    assert set(OF_REASON) == PORTAL
    assert {rule.reason for rule in replies.TABLE} <= set(REASONS)


def test_every_enhanced_code_of_the_table_is_written_well() -> None:
    for rule in replies.TABLE:
        for detail in rule.details.split():
            assert re.fullmatch(r"[x45]\.[0-7]\.\d{1,3}(-\d{1,3})?", detail), detail
