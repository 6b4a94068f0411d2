"""`selfservice …` as a process of its own, forked from one that has imported the portal.

Python and its imports take a second, and the tests start hundreds of commands: a server started
once forks them, as multiprocessing does. Tests of the start itself start the command afresh.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from selfservice import cli

NOWHERE = Path(os.devnull)
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["__main__", __name__])


class Forked:
    """A command at work; what it offers is named and behaves as in subprocess.Popen."""

    def __init__(
        self,
        words: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        stdout: Path = NOWHERE,
        stderr: Path = NOWHERE,
    ) -> None:
        self._words = words
        arguments = (words, dict(environment), stdout, stderr)
        self._process = _forks.Process(target=_run, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(words: tuple[str, ...], environment: dict[str, str], *outputs: Path) -> None:
    multiprocessing.set_start_method("fork", force=True)  # as it is in a process of its own
    for descriptor, path in enumerate(outputs, start=1):
        with path.open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["selfservice", *words]
    cli.main()
