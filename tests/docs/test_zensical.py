"""The same mkdocs.yml builds with Zensical too: mkdocs-material ends in May 2027."""

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from docs_tools.built_site import BuiltSite
from selfservice.config import REPOSITORY
from selfservice.help import FAQ_KEYS, OPERATORS

pytestmark = pytest.mark.soak

VERSION = "0.0.73"
SOURCES = ("mkdocs.yml", "site_docs", "docs_tools", "selfservice", "templates")


@pytest.fixture(scope="module")
def zensical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Zensical in an environment of its own, which also sees what the macros import."""
    folder = tmp_path_factory.mktemp("zensical")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin/pip", "install", "--quiet", f"zensical=={VERSION}"]
    if subprocess.run(pip, capture_output=True).returncode:
        pytest.skip(f"zensical {VERSION} cannot be installed: the package index is out of reach")
    (packages,) = folder.glob("lib/python*/site-packages")
    packages.joinpath("project.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return folder / "bin/zensical"


def test_site_builds_without_a_warning_and_holds_the_sixteen_questions(
    zensical: Path, tmp_path: Path, site: BuiltSite
) -> None:
    for name in SOURCES:
        source, copy = REPOSITORY / name, tmp_path / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "SELFSERVICE_INSTANCE": str(tmp_path / "instance"),
    }
    command = [zensical, "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout + run.stderr
    built = BuiltSite(tmp_path / "site")
    assert set(FAQ_KEYS) <= built.pages["/aide/foire-aux-questions/"].ids
    assert built.pages.keys() == {page for page in site.pages if OPERATORS not in page}
