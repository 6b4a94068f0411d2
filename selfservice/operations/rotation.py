"""Which backups may go: the oldest of one name, digits apart, and never the last whole one.

What a killed backup left may too: it holds everybody's data, and no other rule would remove it.
"""

import re
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from selfservice.operations import backup_file
from selfservice.operations.errors import OperationError

FOLDER_PREFIX = ".backup-"
ABANDONED_SECONDS = 12 * 3600  # no backup lasts as long


def remove_abandoned(path: Path) -> None:
    """Remove what killed backups into the folder of `path`, of its name, left half done."""
    form = re.compile(rf"{re.escape(FOLDER_PREFIX)}[a-z0-9_]{{8}}|\.{_form(path)}\.part")
    with suppress(OSError):  # a folder into which one may write alone
        for each in filter(lambda each: form.fullmatch(each.name), list(path.parent.iterdir())):
            with suppress(OSError):  # gone meanwhile, or another's
                _remove_old(each)


def _remove_old(path: Path) -> None:
    found = path.lstat()
    if found.st_mtime > time.time() - ABANDONED_SECONDS:
        return
    if stat.S_ISREG(found.st_mode):
        path.unlink()
    elif stat.S_ISDIR(found.st_mode) and all(map(_is_of_database, path.iterdir())):
        shutil.rmtree(path)


def _is_of_database(path: Path) -> bool:
    return path.name.startswith((backup_file.SQLITE, backup_file.POSTGRESQL))


def keep_newest(path: Path, count: int) -> list[Path]:
    """Remove all but the newest backups beside `path` whose names differ from its in digits only.

    Their names tell their age, « nuit-2026-11-28-0230.tar ». What has another name is somebody
    else's. The newest whole one stays, however many partial ones came after it.
    """
    form = re.compile(_form(path))
    found = [each for each in path.parent.iterdir() if form.fullmatch(each.name)]
    newest = sorted((each for each in found if each.is_file()), key=_numbers, reverse=True)
    kept, old = newest[:count], newest[count:]
    if not any(map(_is_whole, kept)) and (whole := next(filter(_is_whole, old), None)):
        old.remove(whole)
    for each in old:
        each.unlink()
    return old


def _form(path: Path) -> str:
    return re.sub(r"\d+", r"\\d+", re.escape(path.name))


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)]


def _is_whole(path: Path) -> bool:
    try:
        return not backup_file.read_manifest(path).missing
    except (OSError, OperationError):
        return False
