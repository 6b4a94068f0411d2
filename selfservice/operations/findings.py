"""What the doctor finds: the name of a message, its facts, how bad it is."""

from dataclasses import dataclass, field
from enum import Enum

from selfservice.operations.messages import FAULTS, FINE, WARNINGS


class Level(Enum):
    FINE = "ok"
    WARNING = "attention"
    FAULT = "défaut"


@dataclass(frozen=True)
class Finding:
    name: str
    level: Level
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """Return one line of French, with the remedy of what is to be mended."""
        if self.level is Level.FINE:
            text = FINE[self.name].format(**self.facts)
        else:
            labels = FAULTS if self.level is Level.FAULT else WARNINGS
            what, remedy = (part.format(**self.facts) for part in labels[self.name])
            text = f"{what} ; {remedy}."
        return f"{self.level.value}\t{' '.join(text.split())}"


def fine(name: str, **facts: object) -> Finding:
    return Finding(name, Level.FINE, facts)


def warning(name: str, **facts: object) -> Finding:
    return Finding(name, Level.WARNING, facts)


def fault(name: str, **facts: object) -> Finding:
    return Finding(name, Level.FAULT, facts)
