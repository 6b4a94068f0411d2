"""Settings: order of precedence, types, one clear line for a wrong one."""

from datetime import time
from pathlib import Path

import pytest

from selfservice import config


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
        ("DATABASE_URL", "mysql://x/y"),
        ("DIGEST_TIME", "18h"),
        ("LIMIT_SIGN_IN_IP", "beaucoup"),
        ("MAIL_TRANSPORT", "pigeon"),
        ("MAIL_PORT", "70000"),
        ("SECRET_KEY", "court"),
        ("MAIL_DEFAULT_SENDER", "a@b\nBcc: c@d"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, **{key: value})
    assert f"SELFSERVICE_{key}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match="RETENTION_MONTH"):
        load(tmp_path, "RETENTION_MONTH = 12\n")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError, match=r"config\.toml"):
        load(tmp_path, "RETENTION_MONTHS = \n")


def test_every_key_has_a_word_of_documentation() -> None:
    assert all(key.about.endswith(".") for key in config.KEYS)
