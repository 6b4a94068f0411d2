"""`make site`: MkDocs builds the help site, then come the search, the PDF and compressed copies.

`python -m docs_tools.build FOLDER` builds into another folder than site/.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs_tools import search
from selfservice.config import REPOSITORY
from selfservice.files import STATIC

SITE = REPOSITORY / "site"
# What is packed already, and the maps of scripts, which no reader asks for.
UNCOMPRESSED = ("map", "pdf", "webp")
NOISE = re.compile(r"^INFO [^\n]*\n|^```\n.*?^```\n", re.DOTALL | re.MULTILINE)


class BuildError(Exception):
    """A step refused; the message is what it wrote."""


def build(site_dir: Path = SITE) -> None:
    """Build the whole site into a folder. Raises BuildError."""
    run_mkdocs(site_dir)
    try:
        search.improve(site_dir)
    except search.UnknownSectionError as error:
        raise BuildError(f"search_words.yml : le site n'a pas de section {error}") from error
    _run("docs_tools.pdf", str(site_dir))
    # The portal sends these copies where they are its own files still: they come compressed.
    shutil.copytree(STATIC, site_dir / "static")
    # The best Brotli would save another sixth, and take longer than all the rest.
    _run("whitenoise.compress", "--quiet", "--no-brotli", str(site_dir), *UNCOMPRESSED)


def run_mkdocs(site_dir: Path, config: Path = REPOSITORY / "mkdocs.yml") -> None:
    """Build the pages. Raises BuildError with MkDocs' own words."""
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
