"""Settings: order of precedence, types, one clear line for a wrong one."""

from datetime import time
from pathlib import Path

import pytest

from selfservice import config
from selfservice.operations import installation


def load(tmp_path: Path, toml: str = "", **environ: str) -> dict[str, object]:
    (tmp_path / "config.toml").write_text(toml, "utf-8")
    return config.load(tmp_path, {f"SELFSERVICE_{key}": value for key, value in environ.items()})


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings["RECOVERY_LINK_MINUTES"] == 120
    assert settings["RETENTION_MONTHS"] == 24
    assert settings["DATABASE_URL"] == f"sqlite:///{tmp_path}/portal.db"
    assert settings["DIGEST_TIME"] == time(18, 0)


def test_environment_wins_over_the_file_which_wins_over_defaults(tmp_path: Path) -> None:
    toml = "RETENTION_MONTHS = 36\nRECOVERY_LINK_MINUTES = 30\n"
    settings = load(tmp_path, toml, RETENTION_MONTHS="48")
    assert settings["RETENTION_MONTHS"] == 48
    assert settings["RECOVERY_LINK_MINUTES"] == 30


def test_numbers_that_look_like_text_stay_text(tmp_path: Path) -> None:
    assert load(tmp_path, MAIL_PASSWORD="12345678")["MAIL_PASSWORD"] == "12345678"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("RETENTION_MONTHS", "deux"),
        ("RETENTION_MONTHS", "0"),
        ("RETENTION_MONTHS", "1.5"),
        ("DEMO", "peut-être"),
        ("PUBLIC_URL", "factures.example.com"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("PUBLIC_URL", "http://x:abc"),
        ("PUBLIC_URL", "http://u:p@x"),
        ("RATELIMIT_STORAGE_URI", "foo"),
        ("RATELIMIT_STORAGE_URI", "redis://[::1"),
        ("QUEUE_URL", "redis://host:port/0"),
        ("DATABASE_URL", "postgresql://["),
        ("LIMIT_SIGN_IN_IP", "99999999999999999999/hour"),
        ("LIMIT_SIGN_IN_IP", "0/hour"),
        ("LIMIT_SIGN_IN_IP", "5/hour;1/minute"),
        ("DOCUMENTS_DIR", "~personne-de-ce-nom/x"),
        ("DATABASE_URL", "mysql://x/y"),
        ("DIGEST_TIME", "18h"),
        ("LIMIT_SIGN_IN_IP", "beaucoup"),
        ("MAIL_TRANSPORT", "pigeon"),
        ("MAIL_PORT", "70000"),
        ("SECRET_KEY", "court"),
        ("SECRET_KEY", "replace-me-by-a-random-text-of-48-characters-or-more"),
        ("MAIL_DEFAULT_SENDER", "a@b\nBcc: c@d"),
        ("MAIL_DEFAULT_SENDER", "reçu@example.com"),
        ("MAIL_DEFAULT_SENDER", "facture@société.example"),
        ("MAIL_BOUNCES", "imap://compte:secret@imap.example.com/Retours"),
        ("MAIL_BOUNCES", "imaps://imap.example.com/Retours"),
        ("MAIL_BOUNCES", "imaps://compte:se#cret@imap.example.com/Retours"),
        ("MAIL_BOUNCES", "imaps://compte:secret@imap.example.com:x/"),
        ("MAIL_RETURN_ADDRESS", "retours"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, **{key: value})
    assert f"SELFSERVICE_{key}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mails_return_to_the_sender_where_they_are_read(tmp_path: Path) -> None:
    assert load(tmp_path)["MAIL_RETURN_ADDRESS"] is None
    found = load(tmp_path, MAIL_BOUNCES="retours", MAIL_DEFAULT_SENDER="F <f@example.com>")
    assert found["MAIL_BOUNCES"] == tmp_path / "retours"
    assert found["MAIL_RETURN_ADDRESS"] == "f@example.com"
    alone = load(tmp_path, MAIL_RETURN_ADDRESS="r@retours.example.com")
    assert (alone["MAIL_BOUNCES"], alone["MAIL_RETURN_ADDRESS"]) == (None, "r@retours.example.com")
    with pytest.raises(config.ConfigurationError, match="MAIL_RETURN_ADDRESS : 32 caractères"):
        load(tmp_path, MAIL_BOUNCES="retours", MAIL_DEFAULT_SENDER=f"{'f' * 33}@example.com")


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="RETENTION_MONTH"):
        load(tmp_path, "RETENTION_MONTH = 12\n")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match=r"config\.toml"):
        load(tmp_path, "RETENTION_MONTHS = \n")


def test_every_key_has_a_word_of_documentation() -> None:
    assert all(key.about.endswith(".") for key in config.KEYS)


@pytest.mark.parametrize("content", ["court", "\udcff"])
def test_a_secret_key_file_that_is_no_key_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret_key").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(config.ConfigurationError, match="secret_key"):
        load(tmp_path)


def test_a_key_whose_writing_was_killed_is_made_again(instance: Path) -> None:
    instance.mkdir()
    (instance / "secret_key").touch()
    assert installation.install(instance).is_key_new
    assert len((instance / "secret_key").read_text("utf-8")) >= 32
    assert not installation.install(instance).is_key_new
    assert (instance / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in instance.glob(".secret*")] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "factures.example.com",
        "ftp://factures.example.com",
        "https://",
        "https://factures .example.com",
        "https://factures\t.example.com",
        "https://factures.example.com\n.evil.example",
        "https://factures.example.com/portail",
        "https://factures.example.com?x",
        "https://factures.example.com#",
        "https://moi@factures.example.com",
        "https://factures.example.com:0",
        "https://factures.example.com:99999",
        "https://factures_.example.com",
        "https://-factures.example.com",
        "https://factures..example.com",
        "https://1.2.3",
        "https://[::1",
    ],
)
def test_wrong_public_address_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="PUBLIC_URL"):
        config.load(tmp_path, {"SELFSERVICE_PUBLIC_URL": wrong})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  https://factures.example.com/ \n", "https://factures.example.com"),
        ("HTTPS://Factures.Example.COM", "https://factures.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://xn--socit-esab.example", "https://xn--socit-esab.example"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_public_address_is_kept_in_one_form(given: str, kept: str, tmp_path: Path) -> None:
    assert config.load(tmp_path, {"SELFSERVICE_PUBLIC_URL": given})["PUBLIC_URL"] == kept


def test_accented_host_is_refused_with_its_form_in_ascii(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="xn--socit-esab"):
        config.load(tmp_path, {"SELFSERVICE_PUBLIC_URL": "https://société.example"})
