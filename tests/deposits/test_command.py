"""`selfservice invoices deposit` in a terminal and for programs; full and read-only disks."""

import json
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import papers
from tests.processes import SELFSERVICE, command, environment


def facturx(number: str, padding: int = 0) -> bytes:
    xml = papers.cii(buyer=papers.client_number("C-1"), number=number)
    return papers.pdf(xml, padding=os.urandom(padding))


def test_json_tells_each_file_then_the_counts(ready: Path, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(facturx("F-1"))
    (folder / "b.pdf").write_bytes((folder / "a.pdf").read_bytes())
    (folder / "c.pdf").write_bytes(facturx("F-1", padding=9))
    (folder / "d.txt").write_text("Bonjour")
    papers.index(folder, {"file": "e.pdf"})
    done = command(ready, "invoices", "deposit", "vendeur", str(folder), "--json")
    *files, summary = map(json.loads, done.stdout.splitlines())
    found = {each["file"]: (each["outcome"], each["number"]) for each in files}
    assert found == {
        "a.pdf": ("deposited", "F-1"),
        "b.pdf": ("already", "F-1"),
        "c.pdf": ("refused", "F-1"),
        "d.txt": ("refused", ""),
        "e.pdf": ("refused", ""),
    }
    assert [each["file"] for each in files if not each["reason"]] == ["a.pdf", "b.pdf"]
    assert (summary["deposited"], summary["already"], summary["refused"]) == (1, 1, 3)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 3


def test_no_name_of_a_file_forges_a_line(ready: Path, folder: Path) -> None:
    (folder / "a\n9 document(s) déposé(s).pdf").write_text("Bonjour")
    (folder / "b\n9 document(s) déposé(s).pdf").mkdir()
    done = command(ready, "invoices", "deposit", "vendeur", str(folder))
    told = done.stderr.splitlines()
    assert len(told) == 2 and not any(line.startswith("9") for line in told), told


@pytest.mark.slow
def test_a_terminal_shows_how_far_it_is(ready: Path, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(facturx("F-1"))
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*SELFSERVICE, "invoices", "deposit", "vendeur", str(folder)],
        env=environment(ready) | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=120,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "Dépôt" in shown and "100%" in shown
    assert done.stdout.decode() == "1 document(s) déposé(s), 0 déjà déposé(s), 0 refusé(s).\n"


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mount something on a folder, until the end of the test; skipped where that is not allowed."""
    mounted: list[Path] = []

    def add(folder: Path, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        if subprocess.run(["mount", *options, folder], capture_output=True).returncode:
            pytest.skip("mounting needs root")
        mounted.append(folder)

    yield add
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_line_and_the_next_run_completes(
    ready: Path, folder: Path, tmp_path: Path, mount: Callable[..., None]
) -> None:
    documents = tmp_path / "small"
    mount(documents, "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    for number in range(40):
        (folder / f"{number:02}.pdf").write_bytes(facturx(f"F-{number}", padding=100_000))
    words, keys = ("invoices", "deposit", "vendeur", str(folder)), {"DOCUMENTS_DIR": str(documents)}
    full = command(ready, *words, **keys)
    assert full.returncode == 1 and full.stdout == ""
    assert len(full.stderr.splitlines()) == 1
    assert "écrits (le disque est plein). Relancez le dépôt" in full.stderr
    assert not [path for path in documents.rglob("*") if path.is_file()]
    subprocess.run(["mount", "-o", "remount,size=50m", documents], check=True)
    again = command(ready, *words, **keys)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("40 document(s) déposé(s), 0 déjà")


@pytest.mark.parametrize(
    "name", [pytest.param("instance", marks=pytest.mark.sqlite), "documents", "depot"]
)
def test_what_is_read_only_is_one_line_and_the_next_run_completes(
    name: str, ready: Path, folder: Path, tmp_path: Path, mount: Callable[..., None]
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (folder / "a.pdf").write_bytes(facturx("F-1"))
    words, keys = ("invoices", "deposit", "vendeur", str(folder)), {"DOCUMENTS_DIR": str(documents)}
    locked = ready if name == "instance" else tmp_path / name
    mount(locked, "--bind", str(locked))
    subprocess.run(["mount", "-o", "remount,ro,bind", locked], check=True)
    refused = command(ready, *words, **keys)
    assert refused.returncode == 1 and refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    subprocess.run(["mount", "-o", "remount,rw,bind", locked], check=True)
    again = command(ready, *words, **keys)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("1 document(s)" if name != "depot" else "0 document(s)")
