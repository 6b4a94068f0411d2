"""Profiles: the contracts that some users of a company may read."""

from peewee import AutoField, CharField, ForeignKeyField, Model, SqliteDatabase
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator, db):
    identity = AutoIncrementField if isinstance(db, SqliteDatabase) else AutoField

    class Company(Model):
        id = identity()

        class Meta:
            database = db
            table_name = "company"

    class Profile(Model):
        id = identity()
        company = ForeignKeyField(Company, on_delete="RESTRICT", index=False)
        name = CharField(max_length=100)

        class Meta:
            database = db
            table_name = "profile"
            indexes = ((("company", "name"), True),)

    class ProfileContract(Model):
        id = identity()
        profile = ForeignKeyField(Profile, on_delete="CASCADE", index=False)
        contract = CharField(max_length=100)

        class Meta:
            database = db
            table_name = "profile_contract"
            indexes = ((("profile", "contract"), True),)

    db.create_tables([Profile, ProfileContract])
    profile = ForeignKeyField(Profile, field=Profile.id, null=True, on_delete="RESTRICT")
    migrator.migrate(migrator.add_column("users", "profile_id", profile))


def down(migrator, db):
    migrator.migrate(
        migrator.drop_index("users", "users_profile_id"),
        migrator.drop_column("users", "profile_id"),
        migrator.drop_table("profile_contract"),
        migrator.drop_table("profile"),
    )
