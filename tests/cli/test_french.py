"""What commands say: French to the last word, each option told, one example each."""

import errno
import fcntl
import io
import mmap
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from click.testing import CliRunner
from flask import Flask

from docs_tools import operator_facts
from selfservice import config, system_errors
from selfservice.cli import cli
from selfservice.cli.french import LOCALE
from tests import papers
from tests.factories import make_company, make_supplier
from tests.processes import SELFSERVICE, command, environment

pytestmark = pytest.mark.slow

CATALOGUE = LOCALE / "fr" / "LC_MESSAGES" / "messages.po"
COMMANDS = dict(operator_facts.commands())
# What click says where this command never goes: editors, Windows, completion, programmers' errors.
UNREACHED = re.compile(
    r"[Ee]dit|Windows|completion|Bash|DeprecationWarning|declar|defined|same flag|iterable"
    r"|colou?r|UUID|Choice\(|start character"
)


@pytest.fixture
def supplier_with_folder(app: Flask, tmp_path: Path) -> Path:
    """A folder of documents for the supplier « vendeur », too many for one batch."""
    make_company(make_supplier("vendeur"), client_number="C-1")
    folder = tmp_path / "depot"
    folder.mkdir()
    for each in range(400):
        xml = papers.cii(number=f"F-{each}", buyer=papers.client_number("C-1"))
        (folder / f"{each:04}.pdf").write_bytes(papers.pdf(xml))
    return folder


def walk(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    for word, each in group.commands.items():
        yield f"{name}{word}", each
        if isinstance(each, click.Group):
            yield from walk(each, f"{name}{word} ")


def help_of(name: str, given: click.Command) -> str:
    return given.get_help(click.Context(given, info_name=f"selfservice {name}"))


def test_every_sentence_of_the_installed_click_has_its_french() -> None:
    with CATALOGUE.open("rb") as file:
        known = {each.id for each in read_po(file) if each.id and each.string}
    source = Path(click.__file__).parent
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
    spoken = {found[2] for found in extract_from_dir(source, keywords=keywords)}
    missing = {each for each in spoken if each not in known and not UNREACHED.search(str(each))}
    assert missing == set()


def test_compiled_catalogue_is_that_of_its_source() -> None:
    compiled = io.BytesIO()
    with CATALOGUE.open("rb") as source:
        write_mo(compiled, read_po(source))
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run make format"


@pytest.mark.parametrize("name", dict(walk(cli)))
def test_help_of_a_command_holds_no_english(name: str) -> None:
    given = dict(walk(cli))[name]
    text = help_of(name, given)
    if name.split()[0] in operator_facts.FLASK_COMMANDS:
        text = given.get_short_help_str()  # their options are Flask's
    english = r"\b(the|and|of|this|show|usage:|default|file|directory|text|integer|range)\b"
    assert not re.search(english, text, re.IGNORECASE), text
    assert given.help


@pytest.mark.parametrize("name", COMMANDS)
def test_command_tells_each_word_it_takes_and_gives_an_example_that_it_takes(name: str) -> None:
    given = COMMANDS[name]
    text = help_of(name, given)
    for parameter in given.params:
        assert parameter.help, parameter.name  # type: ignore[attr-defined]
    examples = re.findall(rf"^  +selfservice ({name}.*)$", text, re.MULTILINE)
    assert examples
    for line in examples:
        words = re.findall(r"'[^']*'|\S+", line)[len(name.split()) :]
        parser = given.make_parser(click.Context(given))
        options, _, _ = parser.parse_args([word.strip("'") for word in words])
        needed = {each.name for each in given.params if each.required}
        assert needed <= {key for key, value in options.items() if value}, line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bakup", "« bakup » n'existe pas. Vouliez-vous dire 'backup' ?"),
        ("serve --prot 1", "L'option « --prot » n'existe pas. Vouliez-vous dire"),
        ("serve --port beaucoup", "« beaucoup » n'est pas un nombre entier."),
        ("serve --port 0", "0 n'est pas dans l'intervalle"),
        ("invoices deposit diac", "Il manque l'argument 'DOSSIER'."),
        ("invoices deposit diac /nulle/part", "Dossier introuvable : « /nulle/part »."),
        ("restore /tmp", "« /tmp » est un dossier."),
        ("users", "COMMANDE"),
        ("users list de trop", "Arguments de trop (de trop)"),
    ],
)
def test_wrong_words_are_told_in_french(words: str, said: str, instance: Path) -> None:
    done = command(instance, *words.split())
    assert done.returncode == 2
    assert said in done.stderr
    assert not re.search(r"Error|Usage:|Try ", done.stderr)


@pytest.mark.parametrize("words", [["--help"], [], ["users", "--help"], ["serve", "--help"]])
def test_help_before_init_holds_no_fault(words: list[str], tmp_path: Path) -> None:
    done = command(tmp_path / "absent", *words)
    said = done.stdout or done.stderr
    assert "Usage :" in said
    assert "Erreur" not in said and "Configuration" not in done.stderr
    assert "--app" not in said


def test_command_before_init_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    done = command(tmp_path / "absent", "users", "list")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Erreur : Configuration") and "« selfservice init »" in line


def test_unknown_variable_is_told_with_the_nearest_name(app: Flask, instance: Path) -> None:
    done = command(instance, "users", "list", PUBLIC_ULR="https://a.example.com", ZZZ="1")
    assert done.returncode == 0
    assert "SELFSERVICE_PUBLIC_ULR ne règle rien ; vouliez-vous dire SELFSERVICE_PUBLIC_URL ?" in (
        done.stderr
    )
    assert "SELFSERVICE_ZZZ ne règle rien." in done.stderr
    told = command(instance, "doctor", MAIL_SENDER="x").stdout
    assert "attention\tConfiguration : la variable SELFSERVICE_MAIL_SENDER" in told
    (instance / "config.toml").write_text('PUBLIC_ULR = "https://a.example.com"\n')
    assert (
        "PUBLIC_ULR ; vouliez-vous dire PUBLIC_URL ?" in command(instance, "users", "list").stderr
    )


def test_every_variable_of_the_portal_is_known() -> None:
    names = ("INSTANCE", "CLOCK", *(each.name for each in config.KEYS))
    assert config.unknown_variables({f"SELFSERVICE_{name}": "" for name in names}) == []


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_refusal_of_the_system_has_cause_and_remedy_in_french(number: int) -> None:
    words = system_errors.explain(OSError(number, os.strerror(number), "/srv/x"))
    cause, _, remedy = words.partition(" ; ")
    assert cause and remedy
    if number in system_errors.REASONS:
        assert os.strerror(number) not in words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("backup {dir}/absent/b.tar", "absent : ce fichier ou ce dossier n'existe pas"),
        ("backup {file}/b.tar", "une partie de ce chemin n'est pas un dossier"),
        ("backup /proc/b.tar", "/proc"),
        ("companies import diac {file}", "Le fournisseur « diac » n'existe pas"),
        ("serve --host 203.0.113.7", "203.0.113.7:8000 : cette adresse n'est pas"),
        ("serve --host nulle.part.invalid", "nulle.part.invalid:8000 : ce nom d'hôte est inconnu"),
        ("backup {dir}/{long}.tar", "ce nom est trop long"),
    ],
)
def test_refusals_of_the_system_are_one_line_with_path_and_remedy(
    words: str, said: str, app: Flask, instance: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    words = words.format(dir=tmp_path, file=tmp_path / "file", long="a" * 300)
    done = command(instance, *words.split())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not re.search(r"Errno|No such|Traceback|denied", line)


@pytest.mark.parametrize(
    ("keys", "words", "said"),
    [
        (
            {"DATABASE_URL": "sqlite:///{dir}/absent/a.db"},
            "users list",
            "absent/a.db : son fichier",
        ),
        (
            {"DATABASE_URL": "sqlite:////etc/passwd"},
            "users list",
            "/etc/passwd : son fichier n'est",
        ),
        ({"QUEUE_URL": "sqlite:///{dir}/absent/q.db"}, "worker", "absent/q.db : son"),
        ({"INSTANCE": "{file}"}, "init", "un fichier de ce nom est déjà là"),
        ({"INSTANCE": "{file}/x"}, "users list", "n'est pas un dossier"),
        ({"DOCUMENTS_DIR": "{file}"}, "init", "{file} : un fichier de ce nom"),
    ],
)
@pytest.mark.sqlite
def test_place_that_cannot_be_used_is_one_line_with_its_path(
    keys: dict[str, str], words: str, said: str, app: Flask, instance: Path, tmp_path: Path
) -> None:
    places = {"dir": tmp_path, "file": tmp_path / "file"}
    places["file"].touch()
    given = {name: value.format(**places) for name, value in keys.items()}
    done = command(instance, *words.split(), **given)
    assert done.returncode == 1
    (line,) = [each for each in done.stderr.splitlines() if not each.startswith("{")]
    assert said.format(**places) in line


def test_lists_say_what_is_there(app: Flask, instance: Path, tmp_path: Path) -> None:
    done = command(instance, "suppliers", "set", "diac", "--name", "Diac", "--siren", "552100554")
    assert done.stdout == "Fournisseur diac créé (nouveau fournisseur).\n"
    again = command(instance, "suppliers", "set", "diac", "--opened-on", "2022-12-02")
    assert again.stdout == "Fournisseur diac mis à jour.\n"
    register = tmp_path / "clients.csv"
    register.write_text("client_number;name;email\nC-2;Deux;b@example.com\nC-1;Un;\n")
    command(instance, "companies", "import", "diac", str(register))
    (line,) = command(instance, "suppliers", "list").stdout.splitlines()
    assert line.split("\t") == ["diac", "Diac", "552100554", "-", "2022-12-02", "2"]
    lines = command(instance, "companies", "list", "diac").stdout.splitlines()
    assert [each.split("\t")[0] for each in lines] == ["C-1", "C-2"]
    assert lines[1].split("\t")[3] == "b@example.com"
    assert command(instance, "companies", "list", "martin").returncode == 1


@pytest.mark.parametrize(("answer", "status"), [("oui\n", 0), ("\n", 1), ("non\n", 1)])
def test_a_terminal_is_asked_before_a_supplier_is_new(
    answer: str, status: int, app: Flask, instance: Path
) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    words = ["suppliers", "set", "daic", "--name", "Diac"]
    done = subprocess.run(
        [*SELFSERVICE, *words],
        env=environment(instance),
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == status
    assert "« daic » est nouveau" in done.stdout
    assert ("daic" in command(instance, "suppliers", "list").stdout) is (status == 0)


@pytest.mark.parametrize("field", ["--opened-on", "--platform-since"])
@pytest.mark.parametrize("value", ["02/12/2022", "2022-13-01", "hier"])
def test_wrong_date_says_its_form(field: str, value: str, app: Flask, instance: Path) -> None:
    done = command(instance, "suppliers", "set", "diac", "--name", "Diac", field, value)
    assert done.returncode == 1
    assert field in done.stderr and "AAAA-MM-JJ" in done.stderr


def readers_of(pid: int) -> list[int]:
    """Return the processes of a deposit that read documents."""
    of_threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = " ".join(each.read_text() for each in of_threads).split()
    readers = [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    assert readers
    return readers


def never_gets_ctrl_c(pid: int) -> bool:
    blocked = Path(f"/proc/{pid}/status").read_text().split("SigBlk:")[1].split()[0]
    return bool(int(blocked, 16) & 1 << signal.SIGINT - 1)


@pytest.mark.slow
def test_ctrl_c_in_a_deposit_says_what_is_in_and_that_it_may_be_run_again(
    supplier_with_folder: Path, instance: Path
) -> None:
    words = ["invoices", "deposit", "vendeur", str(supplier_with_folder)]
    process = subprocess.Popen(
        [*SELFSERVICE, *words, "--json"],
        env=environment(instance),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)  # it cannot say all unread
    process.stdout.readline()  # a batch is in
    process.send_signal(signal.SIGSTOP)  # or a busy machine would see the rest in, too
    assert all(map(never_gets_ctrl_c, readers_of(process.pid)))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, its readers too
    process.send_signal(signal.SIGCONT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = stderr.splitlines()
    found = re.search(r"Dépôt interrompu : (\d+) document\(s\) déposé\(s\)", line)
    assert found and "Relancez la même commande" in line
    again = command(instance, *words)
    assert again.returncode == 0
    assert f"{found[1]} déjà déposé(s)" in again.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("companies", "import", "diac", "a\x1b[2J\nErreur.csv"),
        ("a\x1b[2J\nErreur.csv",),
        ("backup", "a", "b\x1b[2J\nErreur.csv"),
    ],
)
def test_an_argument_that_others_have_named_commands_no_terminal(
    arguments: tuple[str, ...], app: Flask
) -> None:
    done = CliRunner().invoke(cli, arguments, color=True)
    assert done.exit_code == 2
    assert "\x1b" not in done.output
    assert "\\x1b[2J\\nErreur.csv" in done.output
