"""The rules for old rows: mails, links, sessions, counters, closed logins, votes, the journal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app

from selfservice import audit, clock
from selfservice.accounts import sessions
from selfservice.accounts.models import Activation, User, UserSession
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.feedback.models import Call, HelpVote, MissedSearch
from selfservice.mail import ENDED, NO_TEXT, OutboxMail
from selfservice.ratelimit import RateCounter
from selfservice.requests.models import OF_ADDRESS, CustomerRequest
from selfservice.suppliers.models import Company
from selfservice.tokens import Token

BATCH_ROWS = 500
MAIL_TEXT_DAYS = 90
DEAD_LINK_DAYS = 30
FEEDBACK_MONTHS = 6


@dataclass(frozen=True)
class Rule:
    """Delete the rows that meet a condition, or set the columns that `emptied` names.

    `key` is the primary key of their table. `condition` is asked again for each batch. Both are
    peewee's expressions, which have no useful type.
    """

    kind: str
    key: Any
    condition: Callable[[], Any]
    emptied: Mapping[str, object] = field(default_factory=dict)

    def count(self) -> int:
        """Return how many rows would go now."""
        return int(self.key.model.select().where(self.condition()).count())

    def apply(self) -> int:
        """Apply the rule in short transactions and return to how many rows."""
        done = 0
        while batch := self._next_batch():
            done += self._apply_to(batch)
        return done

    def _next_batch(self) -> list[Any]:
        # Searched outside the transaction: a long look must not hold the write lock.
        query = self.key.model.select(self.key).where(self.condition()).limit(BATCH_ROWS)
        return [key for (key,) in query.tuples()]

    def _apply_to(self, keys: list[Any]) -> int:
        model = self.key.model
        change = model.update(**self.emptied) if self.emptied else model.delete()
        with database.atomic():
            count = int(change.where(self.key.in_(keys), self.condition()).execute())
            audit.record("retention.purged", actor="system", kind=self.kind, removed=count)
        return count


def _months_ago(setting: str) -> datetime:
    return clock.months_ago(current_app.config[setting])


def _old_mails() -> Any:
    return OutboxMail.state.in_(ENDED) & (OutboxMail.created_at <= _months_ago("RETENTION_MONTHS"))


def _old_mail_texts() -> Any:
    return (
        OutboxMail.state.in_(ENDED)
        & (OutboxMail.created_at > _months_ago("RETENTION_MONTHS"))
        & (OutboxMail.created_at <= clock.now() - timedelta(days=MAIL_TEXT_DAYS))
        & (OutboxMail.body_text != "")
    )


def _old_requests() -> Any:
    is_unproven = CustomerRequest.kind.in_(OF_ADDRESS) & CustomerRequest.proven_at.is_null()
    return (CustomerRequest.decided_at <= _months_ago("RETENTION_MONTHS")) | (
        is_unproven & (CustomerRequest.created_at <= clock.now() - timedelta(days=DEAD_LINK_DAYS))
    )


def _closed_logins() -> Any:
    # That of the registered address stays: without it the next deposit would open another.
    registered = (
        Activation.select(Activation.user)
        .join(Company)
        .where(Company.email_key == Activation.email_key)
    )
    is_old = User.closed_at <= _months_ago("RETENTION_MONTHS")
    return is_old & User.id.not_in(registered)


def _oldest_feedback_on() -> date:
    return clock.add_months(clock.today(), -FEEDBACK_MONTHS)


# Mails before users: an address that comes back long after gets its activation mail anew.
RULES = (
    Rule("mails", OutboxMail.id, _old_mails),
    Rule(
        "mail_texts",
        OutboxMail.id,
        _old_mail_texts,
        emptied={**NO_TEXT, "attachment_path": None},
    ),
    # A used or replaced link expires like any other.
    Rule(
        "links",
        Token.id,
        lambda: Token.expires_at <= clock.now() - timedelta(days=DEAD_LINK_DAYS),
    ),
    Rule(
        "sessions",
        UserSession.id_hash,
        lambda: UserSession.id_hash.not_in(sessions.living().select(UserSession.id_hash)),
    ),
    Rule("counters", RateCounter.key, lambda: RateCounter.expires_at <= clock.now()),
    Rule("requests", CustomerRequest.id, _old_requests),
    Rule("users", User.id, _closed_logins),
    Rule("help_votes", HelpVote.id, lambda: HelpVote.voted_on <= _oldest_feedback_on()),
    Rule("calls", Call.id, lambda: Call.called_on <= _oldest_feedback_on()),
    Rule(
        "missed_searches",
        MissedSearch.id,
        lambda: MissedSearch.searched_on <= _oldest_feedback_on(),
    ),
    Rule("audit_entries", AuditEntry.id, lambda: AuditEntry.at <= _months_ago("AUDIT_MONTHS")),
)
