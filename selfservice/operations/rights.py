"""The rights of an instance: one account's alone, but documents where nginx sends them itself."""

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flask import current_app

from selfservice import config, system_errors
from selfservice.operations import health
from selfservice.operations.findings import Finding, fault, fine

# Who may pass through a folder alone reads nothing of it: its files are their account's own.
OTHERS_READ = stat.S_IRGRP | stat.S_IROTH | stat.S_IXOTH
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
PASSED_BY_GROUP = stat.S_IXGRP
FOLDER_OF_GROUP, FILE_OF_GROUP = 0o750, 0o640


def is_open(path: Path) -> bool:
    """Tell whether another account than its own may read or write a file."""
    return bool(path.stat().st_mode & (OTHERS_READ | OTHERS_WRITE))


def account(user_id: int) -> str:
    """Return the name of an account, its number where it has none."""
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def owner_of(instance: Path) -> int:
    """Return the account of an instance: its folder's.

    The project's own `instance/` is of whoever has cloned it: there, the account is that of the
    first command.
    """
    is_closed = not os.access(instance, os.X_OK, effective_ids=True)  # another's, then
    if is_closed or not (instance / config.KEPT_BY_GIT).exists():
        return instance.stat().st_uid
    key = instance / config.KEY_NAME
    return key.stat().st_uid if key.exists() else os.geteuid()


def open_documents(instance: Path, documents: Path) -> None:
    """Let the group of the instance read its documents, and pass through to them."""
    instance.chmod(stat.S_IMODE(instance.stat().st_mode) | PASSED_BY_GROUP)
    for folder, _, names in os.walk(documents):
        Path(folder).chmod(FOLDER_OF_GROUP)
        for name in names:
            Path(folder, name).chmod(FILE_OF_GROUP)


def check_rights() -> Iterator[Finding]:
    """Check the folders of the current app's instance, and all that lies below them."""
    found = [
        *(finding for folder in health.folders() for finding in _of_folder(Path(folder))),
        *_of_owner(current_app.config["INSTANCE"]),
        *_of_proxy(),
    ]
    yield from found or [fine("permissions")]


def _of_folder(folder: Path) -> Iterator[Finding]:
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "donnez ce dossier à ce compte"
        _, remedy = system_errors.reason_of_disk(folder) or ("", remedy)
        yield fault("closed_folder", path=folder, remedy=remedy)
        return
    mode = folder.stat().st_mode
    is_for_proxy = _is_read_by_proxy() and folder == current_app.config["DOCUMENTS_DIR"]
    if mode & OTHERS_WRITE:
        yield fault("open_folder", path=folder)
    elif mode & OTHERS_READ & ~(stat.S_IRGRP if is_for_proxy else 0):
        yield fault("readable_folder", path=folder)


def _of_owner(instance: Path) -> Iterator[Finding]:
    """Tell what another account owns: a command once run by it has left what ours cannot change."""
    owner = owner_of(instance)
    strange = {  # each once: the documents are often below the instance
        path
        for folder in health.folders()
        for path, found in _below(Path(folder))
        if found.st_uid != owner and path.name != config.KEPT_BY_GIT
    }
    if strange:
        folders = " ".join(str(folder) for folder in health.folders())
        yield fault(
            "other_owner",
            count=len(strange),
            example=min(strange),
            owner=account(owner),
            folders=folders,
        )


def _of_proxy() -> Iterator[Finding]:
    if not _is_read_by_proxy():
        return
    documents = Path(current_app.config["DOCUMENTS_DIR"])
    needed = {current_app.config["INSTANCE"]: PASSED_BY_GROUP, documents: FOLDER_OF_GROUP}
    needed |= {
        path: FOLDER_OF_GROUP if stat.S_ISDIR(found.st_mode) else FILE_OF_GROUP
        for path, found in _below(documents)
        if "incoming" not in path.relative_to(documents).parts and not path.name.startswith(".")
    }
    for path, mode in needed.items():
        with suppress(FileNotFoundError):  # purged meanwhile
            if mode & ~path.stat().st_mode & stat.S_IRWXG:
                yield fault("closed_to_proxy", path=path)
                return


def _is_read_by_proxy() -> bool:
    return current_app.config["ACCEL_REDIRECT_PREFIX"] is not None


def _below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield whatever lies below a folder, as far as this account sees it."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with suppress(OSError):  # gone meanwhile, or out of our sight
                path = Path(parent, name)
                yield path, path.lstat()
