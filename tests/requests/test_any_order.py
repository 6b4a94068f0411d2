"""Whatever comes in whatever order, a request ends as a simple model of it says."""

from dataclasses import dataclass

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import clock
from selfservice.mail.outbox import OutboxMail
from selfservice.requests import asking, deciding
from selfservice.requests.errors import DecisionError
from selfservice.requests.models import CustomerRequest, Portal
from selfservice.suppliers.models import Company, RegisterChange
from selfservice.tokens import DeadTokenError, Token
from tests.factories import People
from tests.requests.steps import NEW, OLD, ORIGIN, again, asked, secret

BY = Portal("nadia")
ACTS = ("prove", "object", "take", "accept", "accept in silence", "refuse", "refuse in silence")


@dataclass
class Model:
    """What should be; `does` returns the name of the error that an act should meet."""

    is_unidentified: bool
    state: str = "received"
    is_proven: bool = False
    has_waited: bool = False
    is_objected: bool = False

    @property
    def is_decided(self) -> bool:
        return self.state in ("done", "refused")

    def does(self, act: str) -> str:
        verb, is_silent = act.split()[0], "silence" in act
        return str(getattr(self, f"_{verb}")(is_silent))

    def _wait(self, _is_silent: bool) -> str:
        self.has_waited = self.is_proven or self.has_waited
        return ""

    def _prove(self, _is_silent: bool) -> str:
        if self.is_proven or self.is_decided:
            return "dead link"
        self.is_proven = True
        return ""

    def _object(self, _is_silent: bool) -> str:
        if not self.is_proven:
            return "no link"
        if self.is_objected:
            return "dead link"
        if self.state == "refused":
            return "DecidedError"
        self.is_objected, self.state = True, "received"
        return ""

    def _take(self, _is_silent: bool) -> str:
        if self.state != "received":
            return "DecidedError" if self.is_decided else "TakenError"
        self.state = "in_progress"
        return ""

    def _accept(self, is_silent: bool) -> str:
        if self.is_decided:
            return "DecidedError"
        if not self.is_proven:
            return "NotProvenError"
        if self.is_unidentified and not (self.has_waited or self.is_objected):
            return "TooEarlyError"
        if self.is_objected and is_silent:
            return "ReasonMissingError"
        self.state = "done"
        return ""

    def _refuse(self, is_silent: bool) -> str:
        if is_silent:
            return "ReasonMissingError"
        if self.is_decided:
            return "DecidedError"
        self.state = "refused"
        return ""


def do(act: str, request: CustomerRequest) -> str:
    """Do an act as the portal would; return the name of the error that it meets."""
    reason = "" if "silence" in act else "Vérifié"
    try:
        match act.split()[0]:
            case "wait":
                CustomerRequest.update(waits_until=clock.now()).where(
                    CustomerRequest.waits_until.is_null(False)
                ).execute()
            case "prove":
                asking.prove(secret("request_proof"), origin=ORIGIN)
            case "object":
                if not OutboxMail.select().where(OutboxMail.kind == "request_objection").exists():
                    return "no link"
                asking.object_by_link(secret("request_objection"), words="Non", origin=ORIGIN)
            case "take":
                deciding.take(again(request), by=BY, origin="")
            case "accept":
                deciding.accept(again(request), by=BY, reason=reason)
            case "refuse":
                deciding.refuse(again(request), by=BY, reason=reason)
    except DeadTokenError:
        return "dead link"
    except DecisionError as error:
        return type(error).__name__
    return ""


@pytest.mark.slow
@given(kind=st.sampled_from(("address", "access")), acts=st.lists(st.sampled_from((*ACTS, "wait"))))
@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_order_of_acts_ends_as_the_model_says(
    kind: str, acts: list[str], app: Flask, people: People
) -> None:
    app.config["LIMIT_REQUEST"] = app.config["LIMIT_REQUEST_ADDRESS"] = "100000/day"
    for table in (CustomerRequest, OutboxMail, Token, RegisterChange):
        table.delete().execute()
    Company.update(email=OLD, email_key=OLD).where(Company.id == people.alice.company_id).execute()
    people.alice.company = Company.get_by_id(people.alice.company_id)
    request = asked(people, kind)
    model = Model(is_unidentified=kind == "access")
    for act in acts:
        assert do(act, request) == model.does(act), act
        found, company = again(request), Company.get_by_id(people.alice.company_id)
        assert found.state == model.state
        assert (found.decided_at is not None) == model.is_decided
        assert bool(found.objected_at) == model.is_objected
        assert company.email == (NEW if model.state == "done" else OLD)
