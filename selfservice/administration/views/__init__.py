"""« Administration »: what administrators see and change of their companies."""

from selfservice.administration.views import journal, mails, profiles, security, user, users
from selfservice.administration.views.blueprint import blueprint

__all__ = ["blueprint", "journal", "mails", "profiles", "security", "user", "users"]
