"""The same list by Django: its ORM, its users, its sessions in the database.

python with_django.py <login> <password> <client number> <portal user>  makes its user
"""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")
app = get_wsgi_application()

from bills import views  # noqa: E402 (Django has to be ready)
from bills.models import Company, Member  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.views import LoginView, LogoutView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [
    path("factures", views.index, name="index"),
    path("factures/<int:invoice_id>.pdf", views.document, name="pdf"),
    path("factures/<int:invoice_id>.xml", views.document, name="xml"),
    path("connexion", LoginView.as_view(template_name="login.html"), name="login"),
    path("deconnexion", LogoutView.as_view(), name="logout"),
]


def prepare(login: str, password: str, client_number: str, portal_user_id: str) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    Member.objects.update_or_create(
        login=login,
        defaults={
            "password": make_password(password),
            "company": Company.objects.get(client_number=client_number),
            "portal_user_id": portal_user_id,
        },
    )


if __name__ == "__main__":
    prepare(*sys.argv[1:])
