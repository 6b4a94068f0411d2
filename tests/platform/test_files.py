"""A file is written aside and renamed: whole under its name, or not there at all."""

import stat
from pathlib import Path

import pytest

from selfservice.files import written_aside


def test_a_file_replaces_the_one_of_its_name_and_nothing_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    with written_aside(target, mode=0o600) as file:
        file.write(b"after")
        assert target.read_bytes() == b"before"
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def write_and_fail(target: Path) -> None:
    with written_aside(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_a_failure_keeps_the_former_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(target)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_that_is_taken_stays_where_nothing_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    with pytest.raises(FileExistsError), written_aside(target, is_replacing=False) as file:
        file.write(b"after")
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_that_waits_under_the_name_aside_is_not_written_through(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"precious")
    (tmp_path / ".file.part").symlink_to(victim)
    with written_aside(target, aside=".file.part") as file:
        file.write(b"content")
    assert (victim.read_bytes(), target.read_bytes()) == (b"precious", b"content")
    assert sorted(tmp_path.iterdir()) == [target, victim]


def test_a_link_put_there_at_the_last_moment_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes into the folder may be quicker than we are."""
    victim, target = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(Path, "unlink", lambda path, **_: path.symlink_to(victim))
    with pytest.raises(FileExistsError), written_aside(target, aside=".file.part") as file:
        file.write(b"content")
    assert victim.read_bytes() == b"precious"
    assert not target.exists()
