"""The pages of « Administration »."""

from selfservice.administration.views import (
    contract_profiles,
    journal,
    mails,
    security,
    user,
    users,
)
from selfservice.administration.views.blueprint import blueprint

__all__ = ["blueprint", "contract_profiles", "journal", "mails", "security", "user", "users"]
