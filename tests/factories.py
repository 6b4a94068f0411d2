"""Suppliers, companies and users for tests, made through the models."""

from dataclasses import dataclass
from itertools import count

from selfservice import clock
from selfservice.accounts import passwords
from selfservice.accounts.models import Activation, Profile, ProfileContract, SecondFactor, User
from selfservice.advisers import team
from selfservice.invoices.models import Invoice, search_key
from selfservice.suppliers.addresses import address_key, normalise
from selfservice.suppliers.models import Company, Supplier

PASSWORD = "Corn3muse-bleue"
_numbers = count(1)


@dataclass(frozen=True)
class People:
    supplier: Supplier
    other_supplier: Supplier
    alice: User
    bob: User
    charlie: User
    password: str = PASSWORD


def make_supplier(slug: str = "", **fields: object) -> Supplier:
    slug = slug or f"supplier-{next(_numbers)}"
    supplier: Supplier = Supplier.create(slug=slug, **({"name": slug.title()} | fields))
    return supplier


def make_company(supplier: Supplier, **fields: object) -> Company:
    number = next(_numbers)
    defaults: dict[str, object] = {"client_number": f"C{number:05}", "name": f"Société n°{number}"}
    email = fields.get("email")
    if isinstance(email, str):
        defaults |= {"email_key": address_key(email), "email_registered_at": clock.now()}
    company: Company = Company.create(supplier=supplier, **(defaults | fields))
    return company


def share_company(owner: User, **fields: object) -> Company:
    """A further company of a login's address, which has been activated there too."""
    company = make_company(owner.company.supplier, **{"email": owner.email, **fields})
    Activation.create(
        company=company, email_key=company.email_key, user=owner, activated_at=clock.now()
    )
    return company


def make_user(
    company: Company, login: str, *, password: str | None = PASSWORD, **fields: object
) -> User:
    email = fields.get("email")
    user: User = User.create(
        company=company,
        login=login,
        login_key=normalise(login),
        email_key=address_key(email) if isinstance(email, str) else None,
        password_hash=passwords.hash_password(password) if password else None,
        created_at=clock.now(),
        **fields,
    )
    return user


def make_adviser(supplier: Supplier, login: str) -> User:
    """An adviser with the password of all, who has no second factor yet."""
    team.add_adviser(supplier, login, email=f"{login}@{supplier.slug}.example")
    User.update(password_hash=passwords.hash_password(PASSWORD)).where(
        User.login == login
    ).execute()
    adviser: User = User.get(User.login == login)
    return adviser


def give_second_factor(user: User) -> None:
    """A second factor whose codes nobody knows; sessions that are open stay so."""
    SecondFactor.create(user=user, seed="", last_step=0, enabled_at=clock.now())


def make_profile(company: Company, name: str, *contracts: str) -> Profile:
    profile: Profile = Profile.create(company=company, name=name)
    for contract in contracts:
        ProfileContract.create(profile=profile, contract=contract)
    return profile


def make_people() -> People:
    """alice and bob: two companies of one supplier; charlie: another supplier's."""
    supplier = make_supplier("diac", name="Diac / Diac Location")
    other = make_supplier("martin", name="Fournitures Martin")
    atelier = make_company(supplier, name="Atelier Alice", email="alice@example.com")
    return People(
        supplier=supplier,
        other_supplier=other,
        alice=make_user(
            atelier,
            "alice",
            email="alice@example.com",
            is_administrator=True,
            is_from_activation=True,
        ),
        bob=make_user(make_company(supplier, name="Garage Bob"), "bob", email="bob@example.com"),
        charlie=make_user(
            make_company(other, name="Boutique Charlie"), "charlie", email="charlie@example.com"
        ),
    )


def make_invoice(company: Company, **fields: object) -> Invoice:
    """A row without a file, deposited now."""
    number = next(_numbers)
    defaults: dict[str, object] = {
        "number": f"FA-{number:06}",
        "kind": "invoice",
        "issued_on": clock.today(),
        "net_cents": 10_000,
        "vat_cents": 2_000,
        "gross_cents": 12_000,
        "state": "original",
        "notification": company.notification,
        "notified_email_key": company.email_key,
        "sha256": f"{number:064x}",
        "size_bytes": 1,
        "has_xml": False,
        "deposited_at": clock.now(),
    }
    defaults |= fields
    key = search_key(str(defaults["number"]), str(defaults.get("contract", "")))
    invoice: Invoice = Invoice.create(
        supplier=company.supplier, company=company, search_key=key, **defaults
    )
    return invoice
