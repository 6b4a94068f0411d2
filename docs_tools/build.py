"""Build the help site: MkDocs, strictly, then what it cannot do (search, PDF, compression).

All of it in this process, which has read the portal already. The portal's static files are
compressed on the way.
"""

import functools
import gc
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import brotli
import material
from mkdocs.commands import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import MkDocsException
from whitenoise.compress import Compressor

from docs_tools import pdf, search
from selfservice.files import STATIC, hashed_name

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
THEME_FILES = Path(material.__file__).parent / "templates" / "assets"
TRACEBACK = re.compile(r"```\n.*?```", re.DOTALL)
PAGES = {".html", ".json", ".xml"}


class BuildError(Exception):
    """MkDocs refused; the message is what it wrote."""


class Complaints(logging.Handler):
    """Keeps what MkDocs warns of, Python's tracebacks left out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = TRACEBACK.sub("", f"{record.levelname} - {record.getMessage()}")
        self.lines += filter(None, text.splitlines())


def build(site_dir: Path = SITE) -> None:
    """Build the whole site into a folder. Raises BuildError with MkDocs' own words."""
    with _uncollected(), ThreadPoolExecutor() as executor:
        executor.map(AssetCompressor.compress_ahead, _heavy_assets())
        _build(site_dir)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage lie: looking for it takes a tenth of a build, and frees little memory."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _build(site_dir: Path) -> None:
    run_mkdocs(site_dir)
    try:
        search.improve(site_dir)
    except search.UnknownSectionError as error:
        raise BuildError(f"search_words.yml : le site n'a pas de section {error}") from error
    pdf.complete(site_dir)
    add_static(site_dir / "static")
    compress(site_dir)


def run_mkdocs(site_dir: Path) -> None:
    """Do what `mkdocs build --strict` does, in this process. Raises BuildError."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    complaints = Complaints()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(complaints)
    try:
        config = load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(site_dir))
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build.build(config)
        config.plugins.on_shutdown()
    except (MkDocsException, SystemExit) as error:
        # The macros leave by exit(), and have said why.
        summary = [error.message] if isinstance(error, MkDocsException) else []
        raise BuildError("\n".join(complaints.lines + summary)) from error
    finally:
        logger.removeHandler(complaints)


def add_static(target: Path) -> None:
    """Lay the portal's own static files there under the names their content gives them."""
    target.mkdir(exist_ok=True)
    for file in STATIC.iterdir():
        shutil.copyfile(file, target / hashed_name(file))


class AssetCompressor(Compressor):
    """For what readers keep. It compresses a content once: ahead, while MkDocs needs one core."""

    compress_brotli = staticmethod(functools.cache(Compressor.compress_brotli))
    compress_gzip = staticmethod(functools.cache(Compressor.compress_gzip))

    @classmethod
    def compress_ahead(cls, file: Path) -> None:
        content = file.read_bytes()
        cls.compress_brotli(content)
        cls.compress_gzip(content)


def _heavy_assets() -> list[Path]:
    """Return the scripts and style sheets that a build copies as they are, but the search's own."""
    files = [*STATIC.iterdir(), *THEME_FILES.rglob("*.min.*")]
    return [file for file in files if file.suffix in (".css", ".js") and "lunr" not in file.parts]


class PageCompressor(Compressor):
    """For what changes with each build: the best Brotli takes 7 times as long for 8 % less."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        compressed: bytes = brotli.compress(data, quality=9)
        return compressed


def compress(site_dir: Path) -> None:
    """Put compressed copies beside each file (gzip, Brotli), as WhiteNoise serves them.

    Not beside PDF, compressed already, nor beside the maps of scripts, which no reader asks for.
    """
    left_out = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "pdf", "map")
    kept_by_readers, pages = (
        kind(left_out, quiet=True) for kind in (AssetCompressor, PageCompressor)
    )

    def compress_one(file: Path) -> None:
        if pages.should_compress(file.name):
            compressor = pages if file.suffix in PAGES else kept_by_readers
            compressor.compress(str(file))

    files = [file for file in site_dir.rglob("*") if file.is_file()]
    with ThreadPoolExecutor() as executor:
        list(executor.map(compress_one, files))  # raises what went wrong


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
