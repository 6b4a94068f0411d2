"""YAML files, read by libyaml: PyYAML's own reader took a fifth of the build."""

from pathlib import Path
from typing import Any

import yaml


def read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
