"""Which portal this is: its number, and the commit of its tree."""

import subprocess
import tomllib
from functools import cache

from selfservice.config import REPOSITORY

# `git archive` writes the commit here (.gitattributes).
ARCHIVED = "$Format:%h$"
INSTALLED = REPOSITORY / ".commit"  # `make install` writes it


@cache
def number() -> str:
    """Return the number of the release, of which pyproject.toml is the only home."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


@cache
def commit() -> str:
    """Return the commit, empty where neither git, an archive nor `make install` tells it."""
    if not ARCHIVED.startswith("$"):
        return ARCHIVED
    return _asked_of_git() or (INSTALLED.read_text("utf-8").strip() if INSTALLED.is_file() else "")


def full() -> str:
    """Return « 0.1.0 (115eba1) », or the number alone."""
    return f"{number()} ({commit()})" if commit() else number()


def _asked_of_git() -> str:
    words = ["git", "-c", f"safe.directory={REPOSITORY}", f"--git-dir={REPOSITORY / '.git'}"]
    try:
        done = subprocess.run(  # noqa: S603 (a fixed program)
            [*words, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
