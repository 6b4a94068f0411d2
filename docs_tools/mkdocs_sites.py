"""MkDocs for several sites in one process: what one has loaded and compiled serves the next.

`python -m docs_tools.mkdocs_sites FOLDER CONFIGURATION [FOLDER CONFIGURATION]…`
"""

import sys
from pathlib import Path

from mkdocs.__main__ import cli


def main() -> None:
    """Build each site strictly; end with the status of the first that is refused."""
    for folder, file in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        site_dir = str(Path(folder).resolve())
        try:
            cli(["build", "--strict", "--config-file", file, "--site-dir", site_dir])
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
