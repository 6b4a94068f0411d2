"""Filling a demonstration instance through the real doors: register, deposit, mails."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import current_app

from selfservice import clock
from selfservice.accounts import users
from selfservice.accounts.models import User
from selfservice.accounts.passwords import hash_password
from selfservice.administration.contract_profiles import add_profile, profiles_of
from selfservice.administration.users import NewUser, add_user
from selfservice.db import rows
from selfservice.demo import advisers
from selfservice.demo.documents import write_documents
from selfservice.demo.plan import PlannedDocument, planned
from selfservice.demo.register import (
    COLLEAGUES,
    PASSWORDS,
    PUBLIC_PASSWORDS,
    SELLERS,
    Colleague,
    Seller,
)
from selfservice.demo.requests import open_requests
from selfservice.demo.returned import return_mails
from selfservice.deposits.deposit import deposit_folder
from selfservice.deposits.messages import refusal_lines
from selfservice.files import csv_lines
from selfservice.invoices.models import Invoice
from selfservice.mail import deliver_due
from selfservice.notifications import send
from selfservice.suppliers.companies_csv import COLUMNS, import_companies
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import set_supplier

MAILED = timedelta(days=31)  # what is younger when the demonstration begins is announced


@dataclass
class DemoReport:
    """What the demonstration got and had already; `summary` and `faults` are in French."""

    deposited: int = 0
    already: int = 0
    mails: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return (
            f"Démonstration : {self.deposited} document(s) déposé(s), "
            f"{self.already} déjà déposé(s), {self.mails} mail(s) envoyé(s)."
        )


def fill() -> DemoReport:
    """Fill the demonstration; safe to repeat, on the same day or another.

    Needs an app context and an open, migrated database.
    """
    report = DemoReport()
    for seller in SELLERS:
        _fill_supplier(seller, report)
    send.send_due()
    send.send_digests(clock.today())
    advisers.open_desks()
    _open_logins()
    open_requests()
    report.mails = deliver_due().sent
    return_mails()
    return report


def logins() -> list[tuple[str, str, str]]:
    """Return login, password and whose it is, of everyone but Pierre."""
    found = users.all_users().where(User.login.in_(list(PUBLIC_PASSWORDS)))
    return [
        (
            user.login,
            PUBLIC_PASSWORDS[user.login],
            f"{user.company.name} ({user.company.supplier.name})",
        )
        for user in found
    ]


def welcome_lines() -> list[str]:
    """Return what the operator reads at each start."""
    known = [
        _line(password, list(own)) for password, own in groupby(logins(), key=lambda each: each[1])
    ]
    address = current_app.config["PUBLIC_URL"]
    return [
        f"Portail : {address}/",
        f"Boîte mail de démonstration : {address}/demo/mails",
        "Identifiants et mots de passe :",
        *known,
        f"Codes des conseillers, qu'un téléphone montrerait : {address}/demo/telephone",
        "pierre.durand@example.com choisit le sien par « Mot de passe ou identifiant oublié ».",
    ]


def _line(password: str, own: list[tuple[str, str, str]]) -> str:
    """Return the line of a password, and of the logins that one person has with it."""
    login, _, whose = own[0]
    if len(own) > 1:
        login, whose = f"{login} à {own[-1][0]}", f"{len(own)} sociétés, la première : {whose}"
    return f"  {login:<35} {password:<16} {whose}"


def _fill_supplier(seller: Seller, report: DemoReport) -> None:
    supplier, _ = set_supplier(
        seller.slug,
        name=seller.name,
        siren=seller.siren,
        colour=seller.colour,
        **asdict(seller.contact),
        **asdict(seller.facts),
    )
    documents = planned(seller, months=current_app.config["RETENTION_MONTHS"])
    deposited = {number for (number,) in rows(Invoice.select(Invoice.number))}
    missing = [each for each in documents if each.number not in deposited]
    report.already += len(documents) - len(missing)
    # The modes come before the last month only, or two years of documents would all be mailed.
    last_month = clock.today() - MAILED
    silent = [column for column in COLUMNS if column != "notification"]
    _import(report, supplier, seller, silent)
    _deposit(report, supplier, [each for each in missing if each.issued_on < last_month])
    _import(report, supplier, seller, COLUMNS)
    _deposit(report, supplier, [each for each in missing if each.issued_on >= last_month])


def _import(report: DemoReport, supplier: Supplier, seller: Seller, columns: Sequence[str]) -> None:
    rows = [[getattr(customer, column) for column in columns] for customer in seller.customers]
    with TemporaryDirectory() as folder:
        register = Path(folder) / "clients.csv"
        register.write_bytes(csv_lines([columns, *rows]))
        report.faults += import_companies(supplier, register).fault_lines


def _deposit(report: DemoReport, supplier: Supplier, documents: list[PlannedDocument]) -> None:
    if not documents:
        return
    with TemporaryDirectory() as folder:
        write_documents(Path(folder), documents)
        deposit = deposit_folder(supplier, Path(folder))
    report.deposited += deposit.deposited
    report.faults += refusal_lines(deposit)


def _open_logins() -> None:
    """Give the preset passwords where none was chosen yet, and add the colleagues."""
    for login, password in PASSWORDS.items():
        # As its owner would by recovery: nobody else chose it, so no invitation to change it.
        User.update(password_hash=hash_password(password)).where(
            User.login == login, User.password_hash.is_null()
        ).execute()
    for colleague in COLLEAGUES:
        if not User.select().where(User.login == colleague.login).exists():
            _add_colleague(colleague)


def _add_colleague(colleague: Colleague) -> None:
    administrator = users.by_login(colleague.added_by)
    new = NewUser(
        login=colleague.login,
        password=colleague.password,
        company_id=administrator.company.id,
        last_name=colleague.last_name,
        first_name=colleague.first_name,
        email=colleague.email,
        profile_id=_profile_id(administrator, colleague) if colleague.profile else None,
    )
    add_user(administrator, new, origin="")


def _profile_id(administrator: User, colleague: Colleague) -> int:
    for profile in profiles_of(administrator):
        if profile.name == colleague.profile:
            return int(profile.id)
    added = add_profile(
        administrator,
        administrator.company_id,
        name=colleague.profile,
        contracts=colleague.contracts,
        origin="",
    )
    return int(added.id)
