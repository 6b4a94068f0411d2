"""An archive is read as it arrives, by who cannot go back: each entry says its size before it."""

import io
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from selfservice import clock
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from tests.conftest import Browser
from tests.factories import People
from tests.invoices.test_archive import ask, stored
from tests.papers import cii

UNZIP = Path(__file__).with_name("Unzip.java")
LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
HEADER = struct.Struct("<4sHHHHHIIIHH")
SIZES_AFTER, UTF_8 = 0x08, 0x800


def streamed(content: bytes) -> dict[str, str]:
    """Return the SHA-256 of each entry by its name, read once from beginning to end."""
    stream, sums = io.BytesIO(content), {}
    while (header := stream.read(HEADER.size)).startswith(LOCAL):
        _, needs, flags, method, _, _, crc, packed, size, name, extra = HEADER.unpack(header)
        assert not flags & SIZES_AFTER and (method, packed) == (0, size) and needs <= 20
        assert extra == 0, "no long form"
        label = stream.read(name).decode("utf-8" if flags & UTF_8 else "cp437")
        entry = stream.read(size)
        assert len(entry) == size and zlib.crc32(entry) == crc
        sums[label] = sha256(entry).hexdigest()
    assert header.startswith(CENTRAL)
    return sums


def java(content: bytes) -> dict[str, str]:
    """What Java's ZipInputStream reads from a pipe."""
    done = subprocess.run(["java", UNZIP], input=content, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    return {name: digest for digest, _, name in (line.partition(" ") for line in lines)}


@pytest.fixture
def invoices(people: People) -> Iterator[list[Invoice]]:
    """A Factur-X, one with accents in its number, and one whose file is older than any ZIP."""
    company = people.alice.company
    found = [
        stored(company, number="F-1", xml=cii(number="F-1")),
        stored(company, number="ÉTÉ n°2 €"),
        stored(company, number="F-3"),
    ]
    path = storage.path_of(found[2].sha256)
    os.utime(path, (0, 0))
    path.chmod(0o400)
    yield found
    path.chmod(0o600)


@pytest.mark.parametrize(
    "read",
    [
        streamed,
        pytest.param(
            java,
            marks=[
                pytest.mark.system,
                pytest.mark.skipif(not shutil.which("javac"), reason="no JDK is installed"),
            ],
        ),
    ],
)
def test_an_archive_is_whole_for_who_reads_it_as_a_stream(
    alice: Browser, invoices: list[Invoice], read: Callable[[bytes], dict[str, str]]
) -> None:
    response = ask(alice, *invoices)
    assert response.content_length == len(response.data)
    sums = read(response.data)
    with ZipFile(io.BytesIO(response.data)) as archive:
        assert sums == {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert {each.sha256 for each in invoices} < set(sums.values())
    assert f"{clock.today()}_ÉTÉ n°2 €.pdf" in sums


def test_dates_and_rights_of_the_portals_own_files_stay_at_home(
    alice: Browser, invoices: list[Invoice]
) -> None:
    with ZipFile(io.BytesIO(ask(alice, *invoices).data)) as archive:
        for entry in archive.infolist():
            assert entry.external_attr >> 16 == 0o644
            assert entry.date_time[:3] == clock.today().timetuple()[:3]
