"""The advisers of the demonstration, and the telephone that shows their codes."""

from datetime import UTC

from selfservice import clock
from selfservice.accounts import second_factor
from selfservice.accounts.models import SecondFactor, User
from selfservice.accounts.passwords import hash_password
from selfservice.advisers import team
from selfservice.demo.register import ADVISERS, Adviser
from selfservice.suppliers.registration import get_supplier


def open_desks() -> None:
    """Add the advisers that are not there yet, with password and second factor."""
    known = {each.login for each in known_advisers()}
    for adviser in ADVISERS:
        if adviser.login not in known:
            _open_desk(adviser)


def known_advisers() -> list[User]:
    """Return the demonstration's advisers that may sign in."""
    logins = [each.login for each in ADVISERS]
    return list(team.all_advisers().where(User.login.in_(logins), User.closed_at.is_null()))


def codes() -> list[tuple[str, str]]:
    """Return login and code of the moment of each adviser who has a second factor."""
    found = [(each.login, second_factor.code_of_the_moment(each)) for each in known_advisers()]
    return [(login, code) for login, code in found if code]


def _open_desk(adviser: Adviser) -> None:
    user = team.add_adviser(get_supplier(adviser.slug), adviser.login, email=adviser.email)
    User.update(
        password_hash=hash_password(adviser.password),
        last_name=adviser.last_name,
        first_name=adviser.first_name,
    ).where(User.id == user.id).execute()
    user = User.get_by_id(user.id)
    setup = second_factor.start(user, password=adviser.password, origin="")
    code = second_factor.application(user, setup).at(clock.now().replace(tzinfo=UTC))
    second_factor.confirm(user, setup, code, origin="")
    # This code of the moment is nobody's yet: whoever is quick may still use it.
    SecondFactor.update(last_step=0).where(SecondFactor.user == user.id).execute()
