"""Why a backup or a restoration cannot be; `messages.ERRORS` says it in French."""


class OperationError(Exception):
    """Carries the name of a label and its facts."""

    def __init__(self, name: str, **facts: object) -> None:
        super().__init__(name)
        self.name = name
        self.facts = facts
