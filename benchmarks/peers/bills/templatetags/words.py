import words
from django import template

register = template.Library()
register.filter("amount", words.amount)
register.filter("day", words.day)
