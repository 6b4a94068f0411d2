"""The same list by Flask-Security and SQLAlchemy.

python with_security.py <login> <password> <client number> <portal user>  makes its user
"""

import os
import sys
from datetime import date, timedelta

import words
from flask import Flask, abort, render_template
from flask_security import (
    RoleMixin,
    Security,
    SQLAlchemyUserDatastore,
    UserMixin,
    auth_required,
    current_user,
    hash_password,
)
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, mapped_column, relationship

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for the benchmark",
    SECURITY_PASSWORD_SALT="only for the benchmark",
    SECURITY_PASSWORD_HASH="argon2",
    SECURITY_LOGIN_URL="/connexion",
    SECURITY_LOGOUT_URL="/deconnexion",
    SECURITY_POST_LOGIN_VIEW="/factures",
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['PEERS_DATABASE']}",
)
app.jinja_env.filters.update(amount=words.amount, day=words.day)
app.jinja_env.globals.update(kinds=words.KINDS, states=words.STATES)
CSRFProtect(app)
db = SQLAlchemy(app)


@event.listens_for(Engine, "connect")
def _use_wal(connection, _record):
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class Supplier(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    contact_name: Mapped[str]


class Company(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(db.ForeignKey("supplier.id"))
    name: Mapped[str]
    client_number: Mapped[str]
    supplier: Mapped[Supplier] = relationship(lazy="joined")


class Invoice(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(db.ForeignKey("company.id"))
    number: Mapped[str]
    kind: Mapped[str]
    contract: Mapped[str]
    issued_on: Mapped[date]
    due_on: Mapped[date | None]
    net_cents: Mapped[int | None]
    vat_cents: Mapped[int | None]
    gross_cents: Mapped[int]
    state: Mapped[str]
    has_xml: Mapped[bool]
    downloaded_at: Mapped[str | None]

    @property
    def available_until(self):
        return words.add_months(self.issued_on, words.RETENTION_MONTHS)


class Opening(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    invoice_id: Mapped[int] = mapped_column(db.ForeignKey("invoice.id"))


roles = db.Table(
    "security_user_role",
    db.Column("user_id", db.ForeignKey("security_user.id")),
    db.Column("role_id", db.ForeignKey("security_role.id")),
)


class Role(db.Model, RoleMixin):
    __tablename__ = "security_role"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class User(db.Model, UserMixin):
    __tablename__ = "security_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    active: Mapped[bool]
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    company_id: Mapped[int] = mapped_column(db.ForeignKey("company.id"))
    portal_user_id: Mapped[int]
    company: Mapped[Company] = relationship(lazy="joined")
    roles = relationship(Role, secondary=roles)


store = SQLAlchemyUserDatastore(db, User, Role)
Security(app, store)


@app.get("/factures")
@auth_required("session")
def index():
    company, today = current_user.company, date.today()
    oldest = words.add_months(today, -words.RETENTION_MONTHS)
    earliest = words.add_months(today, -words.HISTORY_MONTHS)
    available = select(Invoice).where(Invoice.company_id == company.id, Invoice.issued_on >= oldest)
    shown = available.where(Invoice.issued_on >= earliest)
    newest = shown.order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    invoices = db.session.scalars(newest.limit(words.PAGE_ROWS)).all()
    until = oldest + timedelta(days=words.LEAVING_DAYS)
    leaving = available.where(Invoice.downloaded_at.is_(None), Invoice.issued_on <= until)
    month = func.substr(Invoice.issued_on, 1, 7)
    of_page = shown.where(Invoice.issued_on.between(*words.month_bounds(invoices)))
    sums = of_page.with_only_columns(month, func.sum(Invoice.gross_cents)).group_by(month)
    contracts = available.where(Invoice.contract != "").with_only_columns(Invoice.contract)
    return render_template(
        "security.html",
        company=company,
        opened=_opened(invoices),
        count=_count(shown),
        hidden=_count(available.where(Invoice.issued_on < earliest)),
        leaving=_count(leaving),
        months=words.by_month(invoices, dict(db.session.execute(sums).all())),
        differing=words.differing(invoices),
        totals=words.totals(invoices),
        contracts=db.session.scalars(
            contracts.distinct().order_by(Invoice.contract).limit(words.CONTRACTS)
        ),
    )


def _opened(invoices):
    query = select(Opening.invoice_id).where(
        Opening.user_id == current_user.portal_user_id,
        Opening.invoice_id.in_([each.id for each in invoices]),
    )
    return set(db.session.scalars(query))


def _count(query):
    few = query.with_only_columns(Invoice.id).limit(words.COUNT_CAP).subquery()
    return db.session.scalar(select(func.count()).select_from(few))


@app.get("/factures/<int:invoice_id>.pdf")
def pdf(invoice_id):
    abort(404)


@app.get("/factures/<int:invoice_id>.xml")
def xml(invoice_id):
    abort(404)


def prepare(login: str, password: str, client_number: str, portal_user_id: str) -> None:
    with app.app_context():
        db.create_all()
        if store.find_user(email=login) is None:
            company = db.session.scalars(
                select(Company).filter_by(client_number=client_number)
            ).one()
            store.create_user(
                email=login,
                password=hash_password(password),
                company_id=company.id,
                portal_user_id=int(portal_user_id),
            )
            db.session.commit()


if __name__ == "__main__":
    prepare(*sys.argv[1:])
