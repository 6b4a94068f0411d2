"""The guide, line by line: from a bare Debian to a customer who reads an invoice, and after."""

import fcntl
import json
import re
import shutil
import socket
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from tempfile import gettempdir

import pytest

from selfservice.config import REPOSITORY
from tests import papers
from tests.bare.conftest import PROJECT, Machine, Shell, needs_debootstrap
from tests.nginx import NAME, Visitor
from tests.operations.test_upgrade import git, versions
from tests.processes import wait_until

PAGE = "site_docs/exploitation/installer.md"
BACKUPS = "site_docs/exploitation/sauvegarder.md"
TODAY = "HEAD"
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^##+ .*\{ #([\w-]+) \}", re.MULTILINE)
STAND_INS = {"systemctl": "usr/local/bin", "certbot": "usr/local/bin", "policy-rc.d": "usr/sbin"}
PROXIES = {"nginx", "caddy"}
LATER = {"mettre-a-jour", "revenir"}
MENDED = {"aide-seule", "nginx"}  # a former page may say there what does not work
PORTS = (80, 443, 2019, 5432, 8000)  # the guide's, Caddy's own and PostgreSQL's
ADDRESS = "pierre.durand@example.com"
PASSWORD = "Corn3muse-bleue"
# By its own path, not by the command of /usr/local/bin/: it would leave files of root's.
BY_ROOT = (
    "! SELFSERVICE_INSTANCE=/var/lib/selfservice"
    " /opt/selfservice/.venv/bin/selfservice notifications send"
)
LISTS = "selfservice users list; selfservice mail list; selfservice companies export diac"
CLONED = "https://git.example.com/e-facture.git"
FAULT = re.compile(r"^défaut\t(.+?) :", re.MULTILINE)
OpenShell = Callable[[Machine], AbstractContextManager[Shell]]
# No mail server: what would leave is written beside the instance.
MAILS = re.compile(r"^MAIL_SERVER.*^MAIL_PASSWORD[^\n]*", re.MULTILINE | re.DOTALL)


def sections(page: str) -> dict[str, list[str]]:
    """Return the lines to type, section by section, in the order of the page."""
    starts = [(each.start(), each[1]) for each in HEADING.finditer(page)]
    ends = [start for start, _ in starts[1:]] + [len(page)]
    return {
        name: [textwrap.dedent(block[2]) for block in BLOCK.finditer(page[start:end])]
        for (start, name), end in zip(starts, ends, strict=True)
    }


def test_its_lines_are_those_of_a_shell_and_name_files_that_are_there() -> None:
    pages = [(REPOSITORY / page).read_text("utf-8") for page in (PAGE, BACKUPS)]
    lines = [block for page in pages for blocks in sections(page).values() for block in blocks]
    assert len(lines) > 10
    for block in lines:
        subprocess.run(["sh", "-n"], input=block.encode(), check=True)
        for name in re.findall(r"\bdeploy/([\w@.*-]+)", block):
            assert list((REPOSITORY / "deploy").glob(name)), name
        for unit in re.findall(r"\bselfservice-(?:web|worker|backup)(?!s)[\w.]*", block):
            assert list((REPOSITORY / "deploy").glob(f"{unit}*")), unit
    assert MAILS.search("\n".join(lines))
    assert CLONED in "\n".join(lines)


@contextmanager
def ports_of_the_guide() -> Iterator[None]:
    """Keep the ports that the guide names for one test at a time."""
    with Path(gettempdir(), "selfservice-guide.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken = [port for port in PORTS if is_open(port)]
        if taken:
            pytest.skip(f"port {taken[0]} of this machine is taken")
        try:
            yield
        finally:  # what was killed takes a moment to end: whoever waits would find them taken
            wait_until(lambda: not any(map(is_open, PORTS)))


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@needs_debootstrap
@pytest.mark.soak
@pytest.mark.parametrize("proxy", sorted(PROXIES))
def test_a_bare_host_comes_to_serve_a_customer_and_moves_to_postgresql(
    machine: Machine, proxy: str, shell: OpenShell
) -> None:
    with host(machine, shell) as root:
        said = install(root, machine, TODAY, proxy)
        assert "0 défaut(s)" in said, said
        assert "« runuser -u selfservice -- env " in root.run(BY_ROOT)
        assert read_as_customer(machine) == invoice()
        assert is_sent_by_portal(machine) is (proxy != "nginx"), "nginx sends documents itself"
        root.run("certbot renew")
        listed = root.run(LISTS)
        assert ADDRESS in listed
        backups = sections(text_of(TODAY, BACKUPS))
        for name in ("sauvegarder", "exercer", "changer-de-base"):
            for block in backups[name]:
                said = root.run(block.replace("doctor\n", "doctor || test $? = 1\n"))
            if name == "exercer":
                assert set(FAULT.findall(said)) <= {"Processus de fond"}, said
        assert "0 défaut(s)" in said, said
        assert not (machine.root / "var/lib/selfservice/portal.db").exists()
        assert root.run(LISTS) == listed
        assert read_as_customer(machine, has_password=True) == invoice()


@needs_debootstrap
@pytest.mark.soak
def test_a_host_with_the_first_version_of_these_tables_is_updated_and_goes_back(
    machine: Machine, shell: OpenShell
) -> None:
    former, today = versions()[0], git("rev-parse", TODAY)
    with host(machine, shell) as root:
        install(root, machine, former, "nginx")
        assert read_as_customer(machine) == invoice()
        publish(machine, today)
        page = sections(text_of(TODAY, PAGE))
        for name, version in (("mettre-a-jour", today), ("revenir", former)):
            for block in page[name]:
                root.run(block)
            wait_until(lambda: is_open(8000))
            assert version[:7] in root.run("selfservice --version")
            assert read_as_customer(machine, has_password=True) == invoice()


@contextmanager
def host(machine: Machine, shell: OpenShell) -> Iterator[Shell]:
    """Give root's shell on a host that finds the project at the address of the guide."""
    for name, folder in STAND_INS.items():
        shutil.copy(Path(__file__).with_name(name), machine.root / folder)
    with ports_of_the_guide(), shell(machine) as root:
        root.run(f"git config --global url.{PROJECT}.insteadOf {CLONED}")
        yield root


def text_of(commit: str, page: str) -> str:
    return git("show", f"{commit}:{page}")


def install(root: Shell, machine: Machine, commit: str, proxy: str) -> str:
    """Type the guide of a commit, its first document included; return what it said at last."""
    publish(machine, commit)
    page, today = (sections(text_of(each, PAGE)) for each in (commit, TODAY))
    page |= {name: today[name] for name in MENDED}
    for name, blocks in page.items():
        if name in PROXIES - {proxy} | LATER:
            continue
        if name == "premiers-documents":
            put_an_invoice(machine)
        for block in blocks:
            said = root.run(on_this_machine(block, proxy))
    return said


def publish(machine: Machine, commit: str) -> None:
    """Make a commit what the project's own address gives."""
    for words in (
        ("update-ref", "refs/heads/main", commit),
        ("symbolic-ref", "HEAD", "refs/heads/main"),
    ):
        git("-C", f"{machine.root}{PROJECT}", *words)


def on_this_machine(block: str, proxy: str) -> str:
    """Return lines of the guide that need neither a mail server nor the Internet's names."""
    block = MAILS.sub('MAIL_TRANSPORT = "file"', block)
    if proxy == "caddy" and "deploy/Caddyfile" in block:
        copied = "/etc/caddy/Caddyfile\n"
        own = f"sed -i 's/^{NAME} {{/&\\n\\ttls internal/' {copied}"
        block = block.replace(copied, f"{copied}{own}", 1)
    return block


@cache  # its dates are today's: a day that ends meanwhile makes no other
def invoice() -> bytes:
    return papers.pdf(papers.cii(number="F-1", buyer=papers.client_number("100200")))


def put_an_invoice(machine: Machine) -> None:
    (machine.root / "srv/depots/premier/f-1.pdf").write_bytes(invoice())


def read_as_customer(machine: Machine, *, has_password: bool = False) -> bytes:
    """Choose a password by mail, sign in, and return the invoice that the list shows."""
    customer = Visitor()
    if not has_password:
        wait_until(lambda: mails(machine), seconds=600)
        customer.submit("/recuperation", email=ADDRESS)
        wait_until(lambda: link(machine), seconds=600)
        chosen = {"password": PASSWORD, "confirmation": PASSWORD}
        customer.submit(link(machine), action="/reinitialisation", **chosen)
    page = customer.submit("/connexion", login=ADDRESS, password=PASSWORD).decode()
    found = re.search(r'href="(/factures/\d+\.pdf)', page)
    assert found, page
    return customer.ask(found[1])


def is_sent_by_portal(machine: Machine) -> bool:
    """Tell whether the last document came from the portal itself, and not from its proxy."""
    log = (machine.root / "var/log/selfservice-web@8000.log").read_text("utf-8")
    lines = [json.loads(line) for line in log.splitlines() if '.pdf"' in line]
    return bool(lines[-1]["bytes"])


def mails(machine: Machine) -> list[str]:
    texts = []
    for path in (machine.root / "var/lib/selfservice/mail").glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        texts += [body.get_content()] if body else []
    return texts


def link(machine: Machine) -> str:
    found = [re.search(r"https://\S+(/reinitialisation/\S+)", text) for text in mails(machine)]
    return next((each[1] for each in found if each), "")
