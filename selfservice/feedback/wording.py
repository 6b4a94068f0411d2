"""The words that are kept of a search: none that could name a person, a client or an invoice."""

import re
import unicodedata

from selfservice.feedback.models import MAX_WORDS

HIDDEN = "#"
MAX_TYPED = 200
MOST_DIGITS = 4  # a year; a client, a telephone or an invoice has more
JOINED = re.compile(r"\w[._]\w")  # « pierre.durand », « example.com », « durand_1 »


def kept_words(typed: str) -> str:
    """Return the words to count, lower-case, at most MAX_WORDS characters; "" where none is left.

    « # » stands for a word that looks like a mail address, a login or a number: with an at sign,
    joined by a dot or an underscore, mixing letters and digits, or digits where the whole search
    has more than MOST_DIGITS.
    """
    text = unicodedata.normalize("NFKC", typed[:MAX_TYPED]).casefold()
    has_number = sum(each.isdigit() for each in text) > MOST_DIGITS
    words = ["".join(filter(str.isprintable, word)) for word in text.split()]
    shown = [HIDDEN if _is_private(word, has_number) else word for word in words if word]
    kept = " ".join(shown)[:MAX_WORDS].strip()
    return kept if kept.replace(HIDDEN, "").strip() else ""


def _is_private(word: str, has_number: bool) -> bool:
    if "@" in word or JOINED.search(word):
        return True
    has_digit = any(each.isdigit() for each in word)
    return has_digit and (has_number or any(each.isalpha() for each in word))
