"""What else has its time: links, sessions, counters, mails, closed logins, the journal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app

from selfservice import audit, clock
from selfservice.accounts import sessions
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.feedback.models import HelpVote, MissedSearch
from selfservice.mail import ENDED, OutboxMail
from selfservice.ratelimit import RateCounter
from selfservice.tokens import Token

BATCH_ROWS = 500
MAIL_TEXT_DAYS = 90
DEAD_LINK_DAYS = 30
FEEDBACK_MONTHS = 6


@dataclass(frozen=True)
class Rule:
    """Rows that meet a condition go, or lose what `emptied` names.

    `key` is the primary key of their table; `condition` is asked anew for each batch.
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


def _old_mails() -> Any:
    return OutboxMail.state.in_(ENDED) & (OutboxMail.created_at <= _as_old_as_documents())


def _old_mail_texts() -> Any:
    return (
        OutboxMail.state.in_(ENDED)
        & (OutboxMail.created_at > _as_old_as_documents())
        & (OutboxMail.created_at <= clock.now() - timedelta(days=MAIL_TEXT_DAYS))
        & (OutboxMail.body_text != "")
    )


def _dead_links() -> Any:
    # A used or replaced one expires as the others do.
    return Token.expires_at <= clock.now() - timedelta(days=DEAD_LINK_DAYS)


def _ended_sessions() -> Any:
    return UserSession.id_hash.not_in(sessions.living().select(UserSession.id_hash))


def _ended_counters() -> Any:
    return RateCounter.expires_at <= clock.now()


def _long_closed_users() -> Any:
    return User.closed_at <= _as_old_as_documents()


def _old_audit_entries() -> Any:
    return AuditEntry.at <= clock.months_ago(current_app.config["AUDIT_MONTHS"])


def _old_votes() -> Any:
    return HelpVote.voted_on <= _as_old_as_feedback()


def _old_searches() -> Any:
    return MissedSearch.searched_on <= _as_old_as_feedback()


def _as_old_as_feedback() -> Any:
    return clock.add_months(clock.today(), -FEEDBACK_MONTHS)


def _as_old_as_documents() -> Any:
    return clock.months_ago(current_app.config["RETENTION_MONTHS"])


# Mails before users: an address that comes back long after gets its activation mail anew.
RULES = (
    Rule("mails", OutboxMail.id, _old_mails),
    Rule(
        "mail_texts",
        OutboxMail.id,
        _old_mail_texts,
        emptied={"body_text": "", "body_html": "", "attachment_path": None},
    ),
    Rule("links", Token.id, _dead_links),
    Rule("sessions", UserSession.id_hash, _ended_sessions),
    Rule("counters", RateCounter.key, _ended_counters),
    Rule("users", User.id, _long_closed_users),
    Rule("help_votes", HelpVote.id, _old_votes),
    Rule("missed_searches", MissedSearch.id, _old_searches),
    Rule("audit_entries", AuditEntry.id, _old_audit_entries),
)
