"""What the search and the choice of a contract read by.

SQLite: one full-text row a document, whose rowid (day of issue, then id) puts them in the order
of the list. Its words are the three-letter parts of the number, and marks of one word each for
the company, the amounts, the month and the day: a letter and a number written with two of 20,000
signs. Marks may coincide: what they find is compared again with the document itself.

Triggers keep both, so that no way of writing a document forgets them.
"""

from peewee import CharField, CompositeKey, DateField, ForeignKeyField, Model, SqliteDatabase

BY_CONTRACT = """CREATE INDEX "invoice_company_contract" ON "invoice"
    ("company_id", "contract", "issued_on" DESC, "id" DESC)"""

BILL = """
    INSERT INTO billed_contract (company_id, contract, last_issued_on)
    SELECT NEW.company_id, NEW.contract, NEW.issued_on WHERE NEW.contract <> ''
    ON CONFLICT (company_id, contract) DO UPDATE SET last_issued_on = excluded.last_issued_on
    WHERE excluded.last_issued_on > billed_contract.last_issued_on;"""
OLD_ONE = "company_id = OLD.company_id AND contract = OLD.contract"
UNBILL = f"""
    DELETE FROM billed_contract WHERE {OLD_ONE}
    AND NOT EXISTS (SELECT 1 FROM invoice WHERE {OLD_ONE});
    UPDATE billed_contract
    SET last_issued_on = (SELECT MAX(issued_on) FROM invoice WHERE {OLD_ONE})
    WHERE {OLD_ONE} AND last_issued_on = OLD.issued_on;"""

TABLE = """CREATE VIRTUAL TABLE invoice_search USING fts5(
    number, company, gross, net, month, day,
    content='', tokenize='trigram', columnsize=0)"""

DAY = "(strftime('%s', {0}issued_on) / 86400)"
MONTH = "(substr({0}issued_on, 1, 4) * 12 + substr({0}issued_on, 6, 2))"


def mark(letter, number):
    return f"char({ord(letter)}, 19968 + {number} / 20000 % 20000, 19968 + {number} % 20000)"


def values(row):
    """Return the rowid and the words of a document; `row` is « NEW. », « OLD. » or nothing."""
    day, month = DAY.format(row), MONTH.format(row)
    gross, net = f"{row}gross_cents", f"coalesce({row}net_cents, {row}gross_cents)"
    return ", ".join(
        (
            f"({day} << 40) | {row}id",
            f"{row}number",
            mark("C", f"{row}company_id"),
            mark("A", f"abs({gross})"),
            mark("A", f"abs({net})"),
            mark("M", month),
            mark("D", day),
        )
    )


COLUMNS = "rowid, number, company, gross, net, month, day"
ADD = f"INSERT INTO invoice_search({COLUMNS}) VALUES ({values('NEW.')});"
REMOVE = (
    f"INSERT INTO invoice_search(invoice_search, {COLUMNS}) VALUES ('delete', {values('OLD.')});"
)
SEARCHED = "id, number, company_id, gross_cents, net_cents, issued_on"
TRIGGERS = {
    "billed_contract_added": ("INSERT", BILL),
    "billed_contract_removed": ("DELETE", UNBILL),
    "billed_contract_changed": ("UPDATE OF company_id, contract, issued_on", UNBILL + BILL),
}
SEARCH_TRIGGERS = {
    "invoice_search_added": ("INSERT", ADD),
    "invoice_search_removed": ("DELETE", REMOVE),
    "invoice_search_changed": (f"UPDATE OF {SEARCHED}", REMOVE + ADD),
}
# A host may refuse extensions: the search is right without, and slow beyond 100,000 documents.
TRIGRAMS = """DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX invoice_number_trigrams ON invoice USING gin (number gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN NULL;
END $$"""


def up(migrator, db):
    db.execute_sql(BY_CONTRACT)
    _create_billed_contract(db)
    for name, (event, body) in TRIGGERS.items():
        _create_trigger(db, name, event, body)
    if not isinstance(db, SqliteDatabase):
        db.execute_sql(TRIGRAMS)
        return
    db.execute_sql(TABLE)
    db.execute_sql(
        f"INSERT INTO invoice_search({COLUMNS}) SELECT {values('')} FROM invoice"
        " ORDER BY issued_on, id"
    )
    for name, (event, body) in SEARCH_TRIGGERS.items():
        _create_trigger(db, name, event, body)


def _create_billed_contract(db):
    class Company(Model):
        class Meta:
            database = db
            table_name = "company"

    class BilledContract(Model):
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        contract = CharField(max_length=100)
        last_issued_on = DateField()

        class Meta:
            database = db
            table_name = "billed_contract"
            primary_key = CompositeKey("company", "contract")

    db.create_tables([BilledContract])
    db.execute_sql(
        "INSERT INTO billed_contract (company_id, contract, last_issued_on)"
        " SELECT company_id, contract, MAX(issued_on) FROM invoice WHERE contract <> ''"
        " GROUP BY company_id, contract"
    )


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
    for name in [*TRIGGERS, *(SEARCH_TRIGGERS if is_sqlite else ())]:
        db.execute_sql(f"DROP TRIGGER {name}" + ("" if is_sqlite else " ON invoice"))
        if not is_sqlite:
            db.execute_sql(f"DROP FUNCTION {name}()")
    db.execute_sql("DROP TABLE billed_contract")
    db.execute_sql('DROP INDEX "invoice_company_contract"')
    if is_sqlite:
        db.execute_sql("DROP TABLE invoice_search")
    else:
        db.execute_sql("DROP INDEX IF EXISTS invoice_number_trigrams")
