"""The command `selfservice`, and `python -m selfservice`, the same.

Imports nothing before it is called: each reader of a deposit, a new Python, imports this first.
"""


def main() -> None:
    from selfservice.cli import main as run_command

    run_command()


if __name__ == "__main__":
    main()
