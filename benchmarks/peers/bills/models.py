"""The portal's own tables, and a user of Django's beside them."""

import words
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Supplier(models.Model):
    name = models.CharField(max_length=200)
    contact_name = models.CharField(max_length=200)

    class Meta:
        managed = False
        db_table = "supplier"


class Company(models.Model):
    supplier = models.ForeignKey(Supplier, models.PROTECT)
    name = models.CharField(max_length=200)
    client_number = models.CharField(max_length=64)

    class Meta:
        managed = False
        db_table = "company"


class MemberManager(BaseUserManager):
    def get_queryset(self):
        return super().get_queryset().select_related("company__supplier")


class Member(AbstractBaseUser):
    login = models.CharField(max_length=320, unique=True)
    company = models.ForeignKey(Company, models.PROTECT, db_constraint=False)
    portal_user_id = models.IntegerField()

    objects = MemberManager()
    USERNAME_FIELD = "login"


class Invoice(models.Model):
    company = models.ForeignKey(Company, models.PROTECT)
    number = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=list(words.KINDS.items()))
    contract = models.CharField(max_length=100)
    issued_on = models.DateField()
    due_on = models.DateField(null=True)
    net_cents = models.BigIntegerField(null=True)
    vat_cents = models.BigIntegerField(null=True)
    gross_cents = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=list(words.STATES.items()))
    has_xml = models.BooleanField()
    downloaded_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "invoice"

    @property
    def available_until(self):
        return words.add_months(self.issued_on, words.RETENTION_MONTHS)


class Opening(models.Model):
    user_id = models.IntegerField()
    invoice = models.ForeignKey(Invoice, models.CASCADE)

    class Meta:
        managed = False
        db_table = "opening"
