"""Addresses and logins made comparable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.suppliers.addresses import address_key, is_address, normalise


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (" Pierre.Durand@Example.COM ", "pierre.durand@example.com"),
        ("ÉLISE@example.com", "élise@example.com"),
        ("e\u0301lise@example.com", "élise@example.com"),
        ("ｐｉｅｒｒｅ_1", "pierre_1"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
    ],
)
def test_what_people_take_for_the_same_is_the_same(written: str, key: str) -> None:
    assert normalise(written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (" Pierre.Durand@Example.COM ", "pierre.durand@example.com"),
        ("hotel@straße.de", "hotel@xn--strae-oqa.de"),
        ("hotel@strasse.de", "hotel@strasse.de"),
        ("Pierre@SOCIÉTÉ.fr", "pierre@xn--socit-esab.fr"),
        ("nimporte quoi\0", "nimporte quoi\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_address_has_one_key_and_no_other_owner_shares_it(written: str, key: str) -> None:
    assert address_key(written) == key


@given(st.text(max_size=80))
def test_a_key_is_its_own_key(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize("text", ["a@example.com", "nom@société.fr", "a+b@sub.example.org"])
def test_addresses_are_recognised_by_their_shape(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b.fr", "a@b", "a b@c.fr", "a@b.fr\r\nBcc: x@y.fr"]
)
def test_other_texts_are_no_addresses(text: str) -> None:
    assert not is_address(text)
