"""The tables of accounts, documents, mails and the portal's own plumbing."""

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator, db):
    # An id is never given twice: causes of mails and links outlive what they name.
    identity = AutoIncrementField if isinstance(db, SqliteDatabase) else AutoField

    class Supplier(Model):
        id = identity()
        slug = CharField(unique=True, max_length=64)
        name = CharField(max_length=200)
        siren = CharField(null=True, max_length=9)
        hostname = CharField(unique=True, null=True, max_length=253)
        opened_on = DateField(null=True)
        platform_since = DateField(null=True)
        colour = CharField(max_length=7, default="#1f4e79")
        logo_sha256 = CharField(null=True, max_length=64)
        contact = CharField(max_length=500, default="")

        class Meta:
            database = db
            table_name = "supplier"

    db.create_tables([Supplier])

    class Company(Model):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        client_number = CharField(max_length=64)
        name = CharField(max_length=200)
        siren = CharField(null=True, max_length=14)
        vat_number = CharField(null=True, max_length=20)
        email = CharField(null=True, max_length=320)
        email_key = CharField(index=True, null=True, max_length=320)
        email_registered_at = DateTimeField(null=True)
        notification = CharField(max_length=8, default="none")
        delivery = CharField(max_length=10, default="electronic")

        class Meta:
            database = db
            table_name = "company"
            indexes = (
                (("supplier", "client_number"), True),
                (("supplier", "siren"), False),
                (("supplier", "vat_number"), False),
            )

    db.create_tables([Company])

    class User(Model):
        id = identity()
        company = ForeignKeyField(Company, on_delete="RESTRICT")
        login = CharField(max_length=320)
        login_key = CharField(unique=True, max_length=320)
        email = CharField(null=True, max_length=320)
        email_key = CharField(index=True, null=True, max_length=320)
        is_from_activation = BooleanField(default=False)
        is_administrator = BooleanField(default=False)
        is_active = BooleanField(default=True)
        closed_at = DateTimeField(null=True)
        is_superseded = BooleanField(default=False)
        last_name = CharField(max_length=100, default="")
        first_name = CharField(max_length=100, default="")
        phone = CharField(max_length=40, default="")
        mobile = CharField(max_length=40, default="")
        display_history_months = IntegerField(default=3)
        password_hash = CharField(null=True)
        is_password_from_other = BooleanField(default=False)
        signed_in_at = DateTimeField(null=True)
        created_at = DateTimeField()

        class Meta:
            database = db
            table_name = "users"

    db.create_tables([User])

    class Activation(Model):
        id = identity()
        company = ForeignKeyField(Company, on_delete="CASCADE", index=False)
        email_key = CharField(max_length=320)
        user = ForeignKeyField(User, on_delete="CASCADE")
        activated_at = DateTimeField()

        class Meta:
            database = db
            table_name = "activation"
            indexes = ((("company", "email_key"), True),)

    db.create_tables([Activation])

    class AuditEntry(Model):
        id = identity()
        at = DateTimeField(index=True)
        event = CharField(max_length=64)
        company_id = IntegerField(index=True, null=True)
        user_id = IntegerField(null=True)
        actor = CharField(max_length=320, default="")
        origin = CharField(max_length=64, default="")
        facts = TextField(default="{}")

        class Meta:
            database = db
            table_name = "audit_entry"

    db.create_tables([AuditEntry])

    class Invoice(Model):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        number = CharField(max_length=100)
        kind = CharField(max_length=12)
        contract = CharField(max_length=100, default="")
        issued_on = DateField()
        due_on = DateField(null=True)
        currency = CharField(max_length=3, default="EUR")
        net_cents = BigIntegerField(null=True)
        vat_cents = BigIntegerField(null=True)
        gross_cents = BigIntegerField()
        state = CharField(max_length=10)
        notification = CharField(max_length=8)
        notified_email_key = CharField(null=True, max_length=320)
        sha256 = CharField(index=True, max_length=64)
        size_bytes = IntegerField()
        has_xml = BooleanField()
        deposited_at = DateTimeField()
        announced_at = DateTimeField(null=True)
        is_digest_due = BooleanField(default=False)
        downloaded_at = DateTimeField(null=True)

        class Meta:
            database = db
            table_name = "invoice"
            indexes = ((("supplier", "number"), True),)

    Invoice.add_index(
        Invoice.index(
            Invoice.company,
            Invoice.issued_on.desc(),
            Invoice.id.desc(),
            name="invoice_company_newest",
        )
    )
    Invoice.add_index(
        Invoice.index(
            Invoice.company,
            Invoice.contract,
            Invoice.issued_on.desc(),
            Invoice.id.desc(),
            name="invoice_company_contract",
        )
    )
    Invoice.add_index(
        Invoice.index(Invoice.id, where=Invoice.announced_at.is_null(), name="invoice_unannounced")
    )
    Invoice.add_index(
        Invoice.index(Invoice.id, where=Invoice.is_digest_due, name="invoice_digest_due")
    )
    db.create_tables([Invoice])

    class Opening(Model):
        id = identity()
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        invoice = ForeignKeyField(Invoice, on_delete="CASCADE")
        opened_at = DateTimeField()

        class Meta:
            database = db
            table_name = "opening"
            indexes = ((("user", "invoice"), True),)

    db.create_tables([Opening])

    class OutboxMail(Model):
        id = identity()
        kind = CharField(max_length=32)
        cause = CharField(unique=True, null=True, max_length=400)
        company_id = IntegerField(index=True, null=True)
        to_address = CharField(max_length=320)
        address_key = CharField(index=True, max_length=320)
        sender_name = CharField(max_length=200, default="")
        message_id = CharField(unique=True, max_length=200)
        subject = CharField(max_length=400)
        body_text = TextField()
        body_html = TextField()
        attachment_path = CharField(null=True, max_length=500)
        attachment_name = CharField(null=True, max_length=200)
        is_secret = BooleanField(default=False)
        state = CharField(max_length=8, default="queued")
        created_at = DateTimeField()
        due_at = DateTimeField()
        deadline_at = DateTimeField()
        claimed_at = DateTimeField(null=True)
        sent_at = DateTimeField(null=True)
        attempts = IntegerField(default=0)
        answer = TextField(default="")

        class Meta:
            database = db
            table_name = "outbox_mail"
            indexes = ((("state", "due_at"), False),)

    db.create_tables([OutboxMail])

    class OutboxAttempt(Model):
        id = identity()
        mail = ForeignKeyField(OutboxMail, on_delete="CASCADE")
        at = DateTimeField()
        outcome = CharField(max_length=16)
        answer = TextField(default="")

        class Meta:
            database = db
            table_name = "outbox_attempt"

    db.create_tables([OutboxAttempt])

    class RateCounter(Model):
        key = CharField(primary_key=True)
        hits = IntegerField()
        expires_at = DateTimeField(index=True)

        class Meta:
            database = db
            table_name = "rate_counter"

    db.create_tables([RateCounter])

    class Token(Model):
        id = identity()
        purpose = CharField(max_length=32)
        subject = CharField(max_length=320)
        secret_hash = CharField(unique=True, max_length=64)
        issued_at = DateTimeField()
        expires_at = DateTimeField(index=True)
        used_at = DateTimeField(null=True)
        replaced_at = DateTimeField(null=True)
        is_expired = BooleanField(default=False)

        class Meta:
            database = db
            table_name = "token"
            indexes = ((("purpose", "subject"), False),)

    db.create_tables([Token])

    class UserSession(Model):
        id_hash = CharField(primary_key=True, max_length=64)
        user = ForeignKeyField(User, on_delete="CASCADE")
        opened_at = DateTimeField()
        used_at = DateTimeField(index=True)
        previous_sign_in_at = DateTimeField(null=True)
        origin = CharField(max_length=64, default="")
        browser = CharField(max_length=300, default="")

        class Meta:
            database = db
            table_name = "user_session"

    db.create_tables([UserSession])


def down(migrator, db):
    migrator.migrate(migrator.drop_table("user_session"))
    migrator.migrate(migrator.drop_table("token"))
    migrator.migrate(migrator.drop_table("rate_counter"))
    migrator.migrate(migrator.drop_table("outbox_attempt"))
    migrator.migrate(migrator.drop_table("outbox_mail"))
    migrator.migrate(migrator.drop_table("opening"))
    migrator.migrate(migrator.drop_table("invoice"))
    migrator.migrate(migrator.drop_table("audit_entry"))
    migrator.migrate(migrator.drop_table("activation"))
    migrator.migrate(migrator.drop_table("users"))
    migrator.migrate(migrator.drop_table("company"))
    migrator.migrate(migrator.drop_table("supplier"))
