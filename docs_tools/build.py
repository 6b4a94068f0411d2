"""`make site`: MkDocs builds both help sites, then come the search, the PDF and compressed copies.

`python -m docs_tools.build FOLDER` builds into another folder than site/. With --site-url, the help
is for a host of its own: its links lead to the portal from outside, its pages are filled already.
"""

import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docs_tools import offers, search, structured
from docs_tools.portal_facts import settings
from selfservice import db, placeholders
from selfservice.config import REPOSITORY
from selfservice.files import STATIC, locked
from selfservice.help import OPERATORS
from selfservice.suppliers.errors import UnknownSupplierError
from selfservice.suppliers.facts import facts_of
from selfservice.suppliers.registration import get_supplier

SITE = REPOSITORY / "site"
# Each site by its place below the first, whose build would empty its folder of the others.
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


@dataclass(frozen=True)
class Alone:
    """A help site on a host of its own; addresses end without slash, `facts` are of a supplier."""

    site_url: str
    portal_url: str
    facts: Mapping[str, str] = field(default_factory=dict)


def build(site_dir: Path = SITE, alone: Alone | None = None) -> None:
    """Build the whole site aside, then publish it in one instant. Raises BuildError.

    `site_dir` is a symbolic link to a folder beside it. What a reader has begun to read stays a
    while. A build waits for the end of another.
    """
    site_dir.parent.mkdir(parents=True, exist_ok=True)
    with locked(site_dir.parent):
        aside = site_dir.with_name(f"{_prefix(site_dir)}{secrets.token_hex(4)}")
        try:
            _build_in(aside, alone)
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


def _build_in(folder: Path, alone: Alone | None) -> None:
    run_mkdocs({folder / place: file for place, file in CONFIGURATIONS.items()}, alone)
    for place in CONFIGURATIONS:
        try:
            search.improve(folder, place)
        except search.UnknownSectionError as error:
            raise BuildError(f"search_words.yml : le site n'a pas de section {error}") from error
    structured.add_questions(folder)
    if offers.stale(folder):
        _run("docs_tools.pdf", str(folder))
    if alone:
        _finish(folder, alone)
    # The portal sends these copies where they are its own files still: they come compressed.
    shutil.copytree(STATIC, folder / "static")
    # The best Brotli would save another sixth, and take longer than all the rest.
    _run("whitenoise.compress", "--quiet", "--no-brotli", str(folder), *UNCOMPRESSED)


def _finish(folder: Path, alone: Alone) -> None:
    """Fill the pages that no portal will fill."""
    for file in (*folder.rglob("*.html"), folder / search.INDEX):
        file.write_text(placeholders.fill(file.read_text("utf-8"), alone.facts), "utf-8")
    shutil.copytree(STATIC, folder / OPERATORS / "static")  # its icon
    robots = f"User-agent: *\nAllow: /\nSitemap: {alone.site_url}/sitemap.xml\n"
    (folder / "robots.txt").write_text(robots, "utf-8")


def run_mkdocs(sites: Mapping[Path, Path], alone: Alone | None = None) -> None:
    """Build the pages of sites, each folder from its configuration, in this order.

    Raises BuildError with MkDocs' own words.
    """
    arguments = (str(path) for site_dir, file in sites.items() for path in (site_dir, file))
    addresses = (
        {"HELP_SITE_URL": alone.site_url, "HELP_PORTAL_URL": alone.portal_url} if alone else {}
    )
    _run("docs_tools.mkdocs_sites", *arguments, **addresses)


def _run(module: str, *arguments: str, **environment: str) -> None:
    """Run a module in a process of its own. Raises BuildError with what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = NOISE.sub("", done.stdout).strip()
    if done.returncode:
        raise BuildError(said)
    if said:
        print(said, file=sys.stderr)


def facts_of_supplier(slug: str) -> dict[str, str]:
    """Return the facts of a supplier of the instance. Raises BuildError."""
    db.configure(settings()["DATABASE_URL"])
    try:
        db.ensure_open()
        return facts_of(get_supplier(slug))
    except UnknownSupplierError as error:
        raise BuildError(f"Aucun fournisseur ne s'appelle « {slug} ».") from error
    except db.ERRORS as error:
        raise BuildError(f"Base de données : {db.explain(error)}.") from error
    finally:
        db.database.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", default=SITE)
    parser.add_argument("--site-url", default="")
    parser.add_argument("--portal-url", default="")
    parser.add_argument("--supplier", default="")
    return parser.parse_args()


def main() -> int:
    given, alone = _arguments(), None
    site_dir: Path = given.folder
    try:
        if given.site_url:
            portal_url = (given.portal_url or settings()["PUBLIC_URL"]).rstrip("/")
            facts = facts_of_supplier(given.supplier) if given.supplier else {}
            alone = Alone(given.site_url.rstrip("/"), portal_url, facts)
        build(site_dir, alone)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Site d'aide construit dans {site_dir.name}/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
