"""The whole schema, as it was when the portal was first released.

Frozen: it does not import the models, which change. What they change comes as 0002 and so on.
"""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
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

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Supplier(Table):
        id = identity()
        slug = CharField(max_length=64, unique=True)
        name = CharField(max_length=200)
        siren = CharField(max_length=9, null=True)
        hostname = CharField(max_length=253, null=True, unique=True)
        opened_on = DateField(null=True)
        platform_since = DateField(null=True)
        colour = CharField(max_length=7)
        logo_sha256 = CharField(max_length=64, null=True)
        contact_name = CharField(max_length=200)
        phone = CharField(max_length=40)
        mail = CharField(max_length=320)
        hours = CharField(max_length=200)
        signature = CharField(max_length=200)
        former_portal = CharField(max_length=200)
        former_closed_on = DateField(null=True)
        former_prefixes = CharField(max_length=200)

    class Company(Table):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        client_number = CharField(max_length=64)
        name = CharField(max_length=200)
        siren = CharField(max_length=14, null=True)
        vat_number = CharField(max_length=20, null=True)
        search_key = TextField()
        email = CharField(max_length=320, null=True)
        email_key = CharField(max_length=320, null=True, index=True)
        email_registered_at = DateTimeField(null=True)
        notification = CharField(max_length=8)
        delivery = CharField(max_length=10)
        email_in_file = CharField(max_length=320, null=True)
        notification_in_file = CharField(max_length=8, null=True)
        delivery_in_file = CharField(max_length=10, null=True)
        is_second_factor_required = BooleanField()

        class Meta:
            indexes = (
                (("supplier", "client_number"), True),
                (("supplier", "siren"), False),
                (("supplier", "vat_number"), False),
            )

    class RegisterChange(Table):
        id = identity()
        company = ForeignKeyField(Company, on_delete="CASCADE")
        field = CharField(max_length=16)
        former = CharField(max_length=320)
        value = CharField(max_length=320)
        actor = CharField(max_length=320)
        reason = CharField(max_length=500)
        changed_at = DateTimeField(index=True)
        is_settled = BooleanField()

    class Profile(Table):
        id = identity()
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        name = CharField(max_length=100)

        class Meta:
            indexes = ((("company", "name"), True),)

    class ProfileContract(Table):
        id = identity()
        profile = ForeignKeyField(Profile, on_delete="CASCADE", index=False)
        contract = CharField(max_length=100)

        class Meta:
            indexes = ((("profile", "contract"), True),)

    class User(Table):
        id = identity()
        company = ForeignKeyField(Company, on_delete="RESTRICT")
        login = CharField(max_length=320)
        login_key = CharField(max_length=320, unique=True)
        email = CharField(max_length=320, null=True)
        email_key = CharField(max_length=320, null=True, index=True)
        is_from_activation = BooleanField()
        is_administrator = BooleanField()
        profile = ForeignKeyField(Profile, null=True, on_delete="RESTRICT")
        is_active = BooleanField()
        closed_at = DateTimeField(null=True)
        is_superseded = BooleanField()
        last_name = CharField(max_length=100)
        first_name = CharField(max_length=100)
        phone = CharField(max_length=40)
        mobile = CharField(max_length=40)
        display_history_months = IntegerField()
        password_hash = CharField(null=True)
        is_password_from_other = BooleanField()
        dead_links_up_to = IntegerField()
        signed_in_at = DateTimeField(null=True)
        created_at = DateTimeField()

        class Meta:
            table_name = "users"

    class Activation(Table):
        id = identity()
        company = ForeignKeyField(Company, on_delete="CASCADE", index=False)
        email_key = CharField(max_length=320)
        user = ForeignKeyField(User, on_delete="CASCADE")
        activated_at = DateTimeField()

        class Meta:
            indexes = ((("company", "email_key"), True),)

    class UserSession(Table):
        id_hash = CharField(max_length=64, primary_key=True)
        user = ForeignKeyField(User, on_delete="CASCADE")
        opened_at = DateTimeField()
        used_at = DateTimeField(index=True)
        previous_sign_in_at = DateTimeField(null=True)
        origin = CharField(max_length=64)
        browser = CharField(max_length=300)

    class SecondFactor(Table):
        user = ForeignKeyField(User, on_delete="CASCADE", primary_key=True)
        seed = CharField(max_length=64)
        last_step = IntegerField()
        enabled_at = DateTimeField()

    class RescueCode(Table):
        id = identity()
        factor = ForeignKeyField(SecondFactor, on_delete="CASCADE")
        code_hash = CharField()

    class Token(Table):
        id = identity()
        purpose = CharField(max_length=32)
        subject = CharField(max_length=320)
        secret_hash = CharField(max_length=64, unique=True)
        issued_at = DateTimeField()
        expires_at = DateTimeField(index=True)
        used_at = DateTimeField(null=True)
        replaced_at = DateTimeField(null=True)
        is_expired = BooleanField()
        use_count = IntegerField()

        class Meta:
            indexes = ((("purpose", "subject"), False),)

    class RateCounter(Table):
        key = CharField(primary_key=True)
        hits = IntegerField()
        expires_at = DateTimeField(index=True)

    class Kept(Table):
        id_hash = CharField(max_length=64, primary_key=True)
        sealed = BlobField(null=True)
        expires_at = DateTimeField(index=True)

    class AuditEntry(Table):
        id = identity()
        at = DateTimeField(index=True)
        event = CharField(max_length=64)
        company_id = IntegerField(null=True, index=True)
        user_id = IntegerField(null=True)
        actor = CharField(max_length=320)
        origin = CharField(max_length=64)
        facts = TextField()

    class Invoice(Table):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        number = CharField(max_length=100)
        kind = CharField(max_length=12)
        contract = CharField(max_length=100)
        search_key = TextField()
        issued_on = DateField()
        due_on = DateField(null=True)
        currency = CharField(max_length=3)
        net_cents = BigIntegerField(null=True)
        vat_cents = BigIntegerField(null=True)
        gross_cents = BigIntegerField()
        state = CharField(max_length=10)
        notification = CharField(max_length=8)
        notified_email_key = CharField(max_length=320, null=True)
        sha256 = CharField(max_length=64, index=True)
        size_bytes = IntegerField()
        has_xml = BooleanField()
        deposited_at = DateTimeField()
        announced_at = DateTimeField(null=True)
        is_digest_due = BooleanField()
        downloaded_at = DateTimeField(null=True)

        class Meta:
            indexes = ((("supplier", "number"), True),)

    newest = Invoice.issued_on.desc(), Invoice.id.desc()
    for index in (
        Invoice.index(Invoice.company, *newest, name="invoice_company_newest"),
        Invoice.index(Invoice.company, Invoice.contract, *newest, name="invoice_company_contract"),
        Invoice.index(Invoice.id, where=Invoice.announced_at.is_null(), name="invoice_unannounced"),
        Invoice.index(Invoice.id, where=Invoice.is_digest_due, name="invoice_digest_due"),
        Invoice.index(
            Invoice.company,
            Invoice.issued_on,
            where=Invoice.downloaded_at.is_null(),
            name="invoice_undownloaded",
        ),
    ):
        Invoice.add_index(index)

    class Opening(Table):
        id = identity()
        user = ForeignKeyField(User, on_delete="CASCADE", index=False)
        invoice = ForeignKeyField(Invoice, on_delete="CASCADE")
        opened_at = DateTimeField()
        journalled_at = DateTimeField(null=True)

        class Meta:
            indexes = ((("user", "invoice"), True),)

    class Credited(Table):
        id = identity()
        invoice = ForeignKeyField(Invoice, on_delete="CASCADE", index=False)
        number = CharField(max_length=100, index=True)

        class Meta:
            indexes = ((("invoice", "number"), True),)

    class Tombstone(Table):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        number = CharField(max_length=100)
        purged_at = DateTimeField()

        class Meta:
            indexes = ((("supplier", "number"), True),)

    class CustomerRequest(Table):
        id = identity()
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        user = ForeignKeyField(User, null=True, on_delete="SET NULL")
        kind = CharField(max_length=16)
        state = CharField(max_length=12)
        value = CharField(max_length=320)
        words = TextField()
        asked_by = CharField(max_length=320)
        mail_to = CharField(max_length=320)
        created_at = DateTimeField(index=True)
        proven_at = DateTimeField(null=True)
        waits_until = DateTimeField(null=True)
        objected_at = DateTimeField(null=True)
        objected_by = CharField(max_length=320)
        objection = TextField()
        taken_by = CharField(max_length=320)
        decided_at = DateTimeField(null=True)
        decided_by = CharField(max_length=320)
        reason = TextField()
        former = CharField(max_length=320)

    is_open = CustomerRequest.decided_at.is_null()
    is_unidentified = CustomerRequest.kind.in_(("administrator", "access"))
    for index in (
        CustomerRequest.index(
            CustomerRequest.company,
            CustomerRequest.kind,
            unique=True,
            where=is_open & ~is_unidentified,
            name="customerrequest_open",
        ),
        CustomerRequest.index(
            CustomerRequest.company,
            CustomerRequest.kind,
            CustomerRequest.value,
            unique=True,
            where=is_open & is_unidentified,
            name="customerrequest_unidentified",
        ),
        CustomerRequest.index(
            CustomerRequest.company, CustomerRequest.id, name="customerrequest_of"
        ),
    ):
        CustomerRequest.add_index(index)

    class OutboxMail(Table):
        id = identity()
        kind = CharField(max_length=32)
        cause = CharField(max_length=400, null=True, unique=True)
        repeats = IntegerField(null=True, index=True)
        company_id = IntegerField(null=True, index=True)
        to_address = CharField(max_length=320)
        address_key = CharField(max_length=320, index=True)
        domain = CharField(max_length=320, index=True)
        sender_name = CharField(max_length=200)
        reply_to = CharField(max_length=320)
        message_id = CharField(max_length=200, unique=True)
        subject = CharField(max_length=400)
        body_text = TextField()
        body_html = TextField()
        attachment_path = CharField(max_length=500, null=True)
        attachment_name = CharField(max_length=200, null=True)
        spare_text = TextField()
        spare_html = TextField()
        is_secret = BooleanField()
        state = CharField(max_length=8)
        priority = IntegerField()
        created_at = DateTimeField(index=True)
        due_at = DateTimeField()
        deadline_at = DateTimeField()
        sent_at = DateTimeField(null=True)
        attempts = IntegerField()
        reason = CharField(max_length=24)
        answer = TextField()

        class Meta:
            indexes = ((("state", "priority", "due_at"), False),)

    class OutboxAttempt(Table):
        id = identity()
        mail = ForeignKeyField(OutboxMail, on_delete="CASCADE")
        at = DateTimeField()
        outcome = CharField(max_length=16)
        reason = CharField(max_length=24)
        answer = TextField()

    class MailPause(Table):
        domain = CharField(max_length=320, primary_key=True)
        failures = IntegerField()
        until_at = DateTimeField()

    class Milestone(Table):
        name = CharField(max_length=32, primary_key=True)
        at = DateTimeField()

    class KeyFingerprint(Table):
        name = CharField(primary_key=True, max_length=16)
        digest = CharField(max_length=64)

    class HelpVote(Table):
        id = identity()
        page = CharField(max_length=200)
        voted_on = DateField(index=True)
        is_useful = BooleanField()
        votes = IntegerField()

        class Meta:
            indexes = ((("page", "voted_on", "is_useful"), True),)

    class Call(Table):
        id = identity()
        question = CharField(max_length=64)
        called_on = DateField(index=True)
        calls = IntegerField()

        class Meta:
            indexes = ((("question", "called_on"), True),)

    class MissedSearch(Table):
        id = identity()
        words = CharField(max_length=80)
        searched_on = DateField(index=True)
        times = IntegerField()

        class Meta:
            indexes = ((("words", "searched_on"), True),)

    db.create_tables(Table.__subclasses__())
