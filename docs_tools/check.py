"""`make docs-check`: build the site strictly, then hold it against every rule; in seconds."""

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from docs_tools import (
    build,
    built_site,
    capture_words,
    figures,
    messages,
    pages,
    prose,
    written,
)
from selfservice.app import create_app


def make_portal(instance: Path) -> Flask:
    """Return the portal of an instance that is nowhere: for its pages, not for visits."""
    os.environ["SELFSERVICE_INSTANCE"] = str(instance)
    os.environ["SELFSERVICE_SECRET_KEY"] = secrets.token_urlsafe(48)
    return create_app()


def portal_pages(portal: Flask) -> Callable[..., bool]:
    """Return a test of whether the portal answers at a path, from its URL map."""
    adapter = portal.url_map.bind("localhost")

    def is_portal_page(path: str, *, method: str = "GET") -> bool:
        try:
            adapter.match(path, method=method)
        except RequestRedirect:
            return True
        except HTTPException:
            return False
        return True

    return is_portal_page


def capture_faults(docs_dir: Path) -> list[str]:
    """Return the screenshots that nobody took, and the images that no definition explains."""
    wanted = {file for capture in figures.load().values() for file in capture.files}
    there = {path.relative_to(docs_dir).as_posix() for path in docs_dir.rglob("*.webp")}
    return [f"{file} : capture à prendre (make captures)" for file in sorted(wanted - there)] + [
        f"{file} : image inconnue de captures.yml" for file in sorted(there - wanted)
    ]


def check(folder: Path) -> list[str]:
    """Build into a folder and return every fault; those of the pages as written alone, if any."""
    if missing := [capture.name for capture in figures.load().values() if not capture.alt]:
        return [f"docs_tools/captures.yml : {name}, texte de remplacement vide" for name in missing]
    written_so = [
        *pages.faults(pages.DOCS, today=date.today()),  # noqa: DTZ011
        *written.faults(pages.DOCS, written.Names()),
        *written.contents_faults(pages.DOCS),
        *messages.faults(),
        *capture_faults(pages.DOCS),
    ]
    try:
        build.build(folder / "site")
    except build.BuildError as error:
        return written_so or list(written.of_the_build(str(error), pages.DOCS))
    site = built_site.BuiltSite(folder / "site")
    is_portal_page = portal_pages(make_portal(folder / "instance"))
    found = [
        *written_so,
        *capture_words.faults(figures.load().values(), is_portal_page=is_portal_page),
        *built_site.faults(site, is_portal_page=is_portal_page),
        *written.pdf_faults(pages.DOCS, folder / "site"),
    ]
    if missing := prose.missing_tools():
        print(f"Français non vérifié : apt-get install {' '.join(missing)}", file=sys.stderr)
        return found
    return [*found, *prose.faults(prose.lines(site))]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = check(Path(folder))
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"Site d'aide : {len(found)} défaut(s)." if found else "Site d'aide : tout est bon.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
