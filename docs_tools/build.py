"""Build the help site: MkDocs, strictly, then what it cannot do (search, PDF, compression).

The portal's static files are compressed on the way.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from whitenoise.compress import Compressor

from docs_tools import pdf, search
from selfservice.files import STATIC, hashed_name

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"


class BuildError(Exception):
    """MkDocs refused; the message is what it wrote."""


def build(site_dir: Path = SITE) -> None:
    """Build the whole site into a folder. Raises BuildError with MkDocs' own words."""
    # Neither -q, which hides broken links, nor -v, which skips the anchors.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site_dir)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise BuildError(_faults(run.stdout + run.stderr))
    try:
        search.improve(site_dir)
    except search.UnknownSectionError as error:
        raise BuildError(f"search_words.yml : le site n'a pas de section {error}") from error
    pdf.complete(site_dir)
    add_static(site_dir / "static")
    compress(site_dir)


def _faults(output: str) -> str:
    """Return what MkDocs complains of, its progress and Python's tracebacks left out."""
    without_tracebacks = re.sub(r"```\n.*?```\n", "", output, flags=re.DOTALL)
    lines = without_tracebacks.splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("INFO"))


def add_static(target: Path) -> None:
    """Lay the portal's own static files there under the names their content gives them."""
    target.mkdir(exist_ok=True)
    for file in STATIC.iterdir():
        shutil.copyfile(file, target / hashed_name(file))


def compress(site_dir: Path) -> None:
    """Put compressed copies beside each file (gzip, Brotli), as WhiteNoise serves them.

    Not beside PDF, compressed already, nor beside the maps of scripts, which no reader asks for:
    they took most of the time.
    """
    left_out = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "pdf", "map")
    command = [sys.executable, "-m", "whitenoise.compress", "-q", str(site_dir), *left_out]
    subprocess.run(command, check=True)


def main() -> int:
    try:
        build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Site d'aide construit dans {SITE.relative_to(ROOT)}/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
