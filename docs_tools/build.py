"""`make site`: MkDocs builds both help sites, then come the search, the PDF and compressed copies.

`python -m docs_tools.build FOLDER` builds into another folder than site/.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from docs_tools import search
from selfservice.config import REPOSITORY
from selfservice.files import STATIC, locked
from selfservice.help import OPERATORS

SITE = REPOSITORY / "site"
# Each site by its place below the first, the customers'.
CONFIGURATIONS = {
    "": REPOSITORY / "mkdocs.yml",
    OPERATORS: REPOSITORY / "docs_tools/exploitation.yml",
}
# What is packed already, and the maps of scripts, which no reader asks for.
UNCOMPRESSED = ("map", "pdf", "webp")
# A portal that has begun to answer from a build finds its files.
KEPT_SECONDS = 600
NOISE = re.compile(r"^INFO [^\n]*\n|^```\n.*?^```\n", re.DOTALL | re.MULTILINE)


class BuildError(Exception):
    """A step refused; the message is what it wrote."""


def build(site_dir: Path = SITE) -> None:
    """Build the whole site aside, then publish it in one instant. Raises BuildError.

    `site_dir` is a symbolic link to a folder beside it. What a reader has begun to read stays a
    while. A build waits for the end of another.
    """
    site_dir.parent.mkdir(parents=True, exist_ok=True)
    with locked(site_dir.parent):
        aside = site_dir.with_name(f"{_prefix(site_dir)}{secrets.token_hex(4)}")
        try:
            _build_in(aside)
            publish(aside, site_dir)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def publish(aside: Path, site_dir: Path) -> None:
    """Have `site_dir` name this folder; delete the builds replaced KEPT_SECONDS ago or more."""
    former = site_dir.resolve()
    if site_dir.is_dir() and not site_dir.is_symlink():  # laid there by another tool
        former = site_dir.rename(site_dir.with_name(f"{_prefix(site_dir)}former"))
    if former.is_dir():
        os.utime(former)
    link = aside.with_name(f"{aside.name}.link")
    link.symlink_to(aside.name)
    link.replace(site_dir)
    for path in site_dir.parent.glob(f"{_prefix(site_dir)}*"):
        if path != aside and time.time() - path.stat().st_mtime >= KEPT_SECONDS:
            shutil.rmtree(path)


def _prefix(site_dir: Path) -> str:
    return f".{site_dir.name}-"


def _build_in(folder: Path) -> None:
    # One after the other: the first would empty its folder of the second.
    for place, config in CONFIGURATIONS.items():
        run_mkdocs(folder / place, config)
    for place in CONFIGURATIONS:
        try:
            search.improve(folder, place)
        except search.UnknownSectionError as error:
            raise BuildError(f"search_words.yml : le site n'a pas de section {error}") from error
    _run("docs_tools.pdf", str(folder))
    # The portal sends these copies where they are its own files still: they come compressed.
    shutil.copytree(STATIC, folder / "static")
    # The best Brotli would save another sixth, and take longer than all the rest.
    _run("whitenoise.compress", "--quiet", "--no-brotli", str(folder), *UNCOMPRESSED)


def run_mkdocs(site_dir: Path, config: Path = CONFIGURATIONS[""]) -> None:
    """Build the pages of one site. Raises BuildError with MkDocs' own words."""
    _run(
        *("mkdocs", "build", "--strict", "--config-file", str(config)),
        *("--site-dir", str(site_dir.resolve())),
    )


def _run(module: str, *arguments: str) -> None:
    """Run a module in a process of its own. Raises BuildError with what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = NOISE.sub("", done.stdout).strip()
    if done.returncode:
        raise BuildError(said)
    if said:
        print(said, file=sys.stderr)


def main() -> int:
    site_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else SITE
    try:
        build(site_dir)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Site d'aide construit dans {site_dir.name}/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
