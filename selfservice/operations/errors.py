"""Why an instance cannot be made, served, saved or restored."""


class OperationError(Exception):
    """`name` is a key of messages.ERRORS, `facts` what its sentence needs."""

    def __init__(self, name: str, **facts: object) -> None:
        super().__init__(name)
        self.name = name
        self.facts = facts
