"""« Administration »: what administrators see and change of their companies."""

from selfservice.administration.views import mails, security, users
from selfservice.administration.views.blueprint import blueprint

__all__ = ["blueprint", "mails", "security", "users"]
