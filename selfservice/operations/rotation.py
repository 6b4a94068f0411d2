"""Which backups may go: the oldest of one name, digits apart, and never the last whole one."""

import re
from pathlib import Path

from selfservice.operations import backup_file
from selfservice.operations.errors import OperationError


def keep_newest(path: Path, count: int) -> list[Path]:
    """Remove all but the newest backups beside `path` whose names differ from its in digits only.

    Their names tell their age, « nuit-2026-11-28-0230.tar ». What has another name is somebody
    else's. The newest whole one stays, however many partial ones came after it.
    """
    form = re.compile(re.sub(r"\d+", r"\\d+", re.escape(path.name)))
    found = [each for each in path.parent.iterdir() if form.fullmatch(each.name)]
    newest = sorted((each for each in found if each.is_file()), key=_numbers, reverse=True)
    kept, old = newest[:count], newest[count:]
    if not any(map(_is_whole, kept)) and (whole := next(filter(_is_whole, old), None)):
        old.remove(whole)
    for each in old:
        each.unlink()
    return old


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)]


def _is_whole(path: Path) -> bool:
    try:
        return not backup_file.read_manifest(path).missing
    except (OSError, OperationError):
        return False
