"""What stands in a folder to deposit: what is looked at, what could hold documents, what not."""

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from selfservice import system_errors
from selfservice.deposits import index_csv, rejects_csv
from selfservice.deposits.errors import UnreadableFolderError

# What systems, spreadsheets and transfers under way leave beside documents, in small letters.
LEFT_FILES = (
    # macOS, Windows, Linux desktops, network folders
    *(".ds_store", "._*", ".localized", ".apdisk", "icon\r", "desktop.ini", ".directory"),
    *("thumbs.db", "thumbs.db:*", "ehthumbs*.db", ".nfs*", ".fuse_hidden*", ".smbdelete*"),
    # a document open elsewhere, and what an editor keeps of it
    *("~$*", ".~lock.*", "*.swp", "*~"),
    # a file on its way, rsync's last: it comes with the next deposit
    *("*.part", "*.filepart", "*.partial", "*.crdownload", "*.download", "*.tmp", "*.temp"),
    ".*.pdf.??????",
)
LEFT_FOLDERS = (
    *("__macosx", ".appledouble", ".trash*", ".spotlight-v100", ".fseventsd", ".temporaryitems"),
    *(".documentrevisions-v100", "$recycle.bin", "recycler", "system volume information"),
    *("lost+found", "@eadir", "#recycle", "#snapshot", ".snapshot*", "~snapshot", "*.download"),
)


class Contents(NamedTuple):
    """The names of a folder, each kind in order.

    `folders` are not looked into. `passed_over` are what systems leave, and CSV files but the
    index and what a deposit writes.
    """

    candidates: list[str]
    folders: list[str]
    passed_over: list[str]


def look(folder: Path) -> Contents:
    """Sort out the names in a folder; raises UnreadableFolderError."""
    contents = Contents([], [], [])
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableFolderError(folder, system_errors.explain(error)) from error
    for entry in entries:
        name, is_folder = entry.name, entry.is_dir(follow_symlinks=False)
        if index_csv.is_index(name) or name in (rejects_csv.NAME, rejects_csv.ASIDE):
            continue  # « index.csv » as a folder too: read_index refuses it
        if _is_left(name, LEFT_FOLDERS if is_folder else LEFT_FILES):
            contents.passed_over.append(name)
        elif is_folder:
            contents.folders.append(name)
        elif name.casefold().endswith(".csv"):
            contents.passed_over.append(name)
        else:
            contents.candidates.append(name)
    return contents


def _is_left(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern) for pattern in patterns)
