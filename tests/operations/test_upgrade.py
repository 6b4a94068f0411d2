"""From the first version with today's tables: data kept, a way back; an older base is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY
from tests import papers
from tests.processes import environment

SCHEMA = "selfservice/db/migrations"
REGISTER = "client_number;name;email\n100200;Durand Transports;pierre@example.com\n"


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def versions() -> list[str]:
    """Return the commits that changed the tables, the newest first."""
    try:
        found = git("log", "--first-parent", "--format=%H", "--", SCHEMA).split()
    except (OSError, subprocess.CalledProcessError):
        found = []
    if not found or git("status", "--porcelain", "--", SCHEMA):
        pytest.skip("needs the history of the project, and its tables committed")
    return found


def columns(commit: str) -> list[str]:
    return re.findall(r"\w+ = \w+Field\(", git("show", f"{commit}:{SCHEMA}/0001_tables.py"))


class Version:
    """The code of a commit, on an instance; the components are today's."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.folder = folder
        if commit == "HEAD":
            self.folder = REPOSITORY
        else:
            parts = ("selfservice", "templates", "pyproject.toml")
            words = ["git", "-C", str(REPOSITORY), "archive", commit, *parts]
            folder.mkdir()
            with subprocess.Popen(words, stdout=subprocess.PIPE) as archive:
                subprocess.run(["tar", "x", "-C", folder], stdin=archive.stdout, check=True)

    def run(self, instance: Path, *words: str) -> subprocess.CompletedProcess[str]:
        keys = environment(instance) | {"PYTHONPATH": str(self.folder)}
        return subprocess.run(
            [sys.executable, "-m", "selfservice", *words],
            cwd=self.folder,
            env=keys,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, instance: Path, *words: str) -> str:
        ended = self.run(instance, *words)
        assert ended.returncode == 0, (words, ended.stderr)
        return ended.stdout


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def fill(version: Version, instance: Path, folder: Path) -> None:
    """Make an instance of a version and let it do the main job once."""
    (folder / "register.csv").write_text(REGISTER)
    depot = folder / "depot"
    depot.mkdir()
    buyer = papers.client_number("100200")
    for number in range(3):
        document = papers.pdf(papers.cii(number=f"F-{number}", buyer=buyer))
        (depot / f"{number}.pdf").write_bytes(document)
    version.done(instance, "init")
    version.done(instance, "suppliers", "set", "diac", "--name", "Diac")
    version.done(instance, "companies", "import", "diac", str(folder / "register.csv"))
    version.done(instance, "invoices", "deposit", "diac", str(depot))
    version.done(instance, "notifications", "send")


@pytest.mark.soak
@pytest.mark.sqlite
def test_data_of_the_first_version_with_these_tables_is_kept_and_one_may_go_back(
    instance: Path, tmp_path: Path
) -> None:
    former, today = Version(versions()[0], tmp_path / "former"), Version("HEAD", tmp_path)
    fill(former, instance, tmp_path)
    backup = tmp_path / "before.tar"
    former.done(instance, "backup", str(backup))

    today.done(instance, "init")
    assert "pierre@example.com" in today.done(instance, "users", "list")
    today.done(instance, "mail", "deliver")
    assert len(list((instance / "mail").glob("*.eml"))) == 1
    said = today.run(instance, "doctor").stdout
    assert "Documents : les 3 derniers sont à leur place" in said

    back = tmp_path / "back"
    former.done(back, "restore", str(backup))
    assert "pierre@example.com" in former.done(back, "users", "list")
    former.done(back, "mail", "deliver")
    assert len(list((back / "mail").glob("*.eml"))) == 1, "what has left since leaves again"


@pytest.mark.slow
@pytest.mark.sqlite
def test_base_of_other_tables_is_refused_with_one_line_by_every_command(
    instance: Path, tmp_path: Path
) -> None:
    others = (f"{each}~1" for each in versions()[:-1])
    commit = next((each for each in others if columns(each) != columns("HEAD")), None)
    if commit is None:
        pytest.skip("no version had other columns")
    older, today = Version(commit, tmp_path / "older"), Version("HEAD", tmp_path)
    older.done(instance, "init")
    before = (instance / "portal.db").read_bytes()
    for words in (("init",), ("users", "list"), ("serve",), ("worker",), ("mail", "deliver")):
        refused = today.run(instance, *words)
        assert refused.returncode == 1, words
        assert len(refused.stderr.splitlines()) == 1, (words, refused.stderr)
    assert (instance / "portal.db").read_bytes() == before
