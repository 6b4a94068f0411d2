"""What a company is charged month by month, kept by triggers: no page sums a million documents."""

from peewee import (
    BigIntegerField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
)

KEY = (
    "company_id = OLD.company_id AND month = {month}"
    " AND kind = OLD.kind AND currency = OLD.currency"
)
TAKE_AWAY = (
    f"""
    UPDATE monthly_total SET
        documents = documents - 1,
        net_cents = net_cents - COALESCE(OLD.net_cents, 0),
        vat_cents = vat_cents - COALESCE(OLD.vat_cents, 0),
        gross_cents = gross_cents - OLD.gross_cents
    WHERE {KEY};
    DELETE FROM monthly_total WHERE {KEY} AND documents = 0;
    """,
    "OLD",
)
ADD = (
    """
    INSERT INTO monthly_total
        (company_id, month, kind, currency, documents, net_cents, vat_cents, gross_cents)
    VALUES
        (NEW.company_id, {month}, NEW.kind, NEW.currency, 1,
        COALESCE(NEW.net_cents, 0), COALESCE(NEW.vat_cents, 0), NEW.gross_cents)
    ON CONFLICT (company_id, month, kind, currency) DO UPDATE SET
        documents = monthly_total.documents + 1,
        net_cents = monthly_total.net_cents + excluded.net_cents,
        vat_cents = monthly_total.vat_cents + excluded.vat_cents,
        gross_cents = monthly_total.gross_cents + excluded.gross_cents;
    """,
    "NEW",
)
COLUMNS = "company_id, issued_on, kind, currency, net_cents, vat_cents, gross_cents"
EVENTS = {
    "insert": ("INSERT", [ADD]),
    "update": (f"UPDATE OF {COLUMNS}", [TAKE_AWAY, ADD]),
    "delete": ("DELETE", [TAKE_AWAY]),
}


def up(migrator, db):
    class Company(Model):
        class Meta:
            database = db
            table_name = "company"

    class MonthlyTotal(Model):
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        month = CharField(max_length=7)
        kind = CharField(max_length=12)
        currency = CharField(max_length=3)
        documents = IntegerField()
        net_cents = BigIntegerField()
        vat_cents = BigIntegerField()
        gross_cents = BigIntegerField()

        class Meta:
            database = db
            table_name = "monthly_total"
            primary_key = CompositeKey("company", "month", "kind", "currency")

    db.create_tables([MonthlyTotal])
    db.execute_sql(
        f"""
        INSERT INTO monthly_total
            (company_id, month, kind, currency, documents, net_cents, vat_cents, gross_cents)
        SELECT company_id, {_month(db, "issued_on")}, kind, currency, COUNT(*),
            COALESCE(SUM(net_cents), 0), COALESCE(SUM(vat_cents), 0), SUM(gross_cents)
        FROM invoice GROUP BY 1, 2, 3, 4
        """
    )
    for name, (event, steps) in EVENTS.items():
        body = "".join(
            step.format(month=_month(db, f"{version}.issued_on")) for step, version in steps
        )
        _create_trigger(db, f"monthly_total_{name}", event, body)


def _month(db, day):
    if isinstance(db, SqliteDatabase):
        return f"substr({day}, 1, 7)"
    return f"to_char({day}, 'YYYY-MM')"


def _create_trigger(db, name, event, body):
    if isinstance(db, SqliteDatabase):
        db.execute_sql(f"CREATE TRIGGER {name} AFTER {event} ON invoice BEGIN {body} END")
        return
    db.execute_sql(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body} RETURN NULL; END $$"
    )
    db.execute_sql(
        f"CREATE TRIGGER {name} AFTER {event} ON invoice FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def down(migrator, db):
    is_sqlite = isinstance(db, SqliteDatabase)
    for name in EVENTS:
        trigger = f"monthly_total_{name}"
        db.execute_sql(f"DROP TRIGGER {trigger}" + ("" if is_sqlite else " ON invoice"))
        if not is_sqlite:
            db.execute_sql(f"DROP FUNCTION {trigger}()")
    migrator.migrate(migrator.drop_table("monthly_total"))
