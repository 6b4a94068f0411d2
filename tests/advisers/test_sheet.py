"""The sheet: what customers ask about first; the list as they see it; what the journal tells."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import html

from selfservice import clock
from selfservice.accounts.models import Activation, User
from selfservice.audit import AuditEntry
from selfservice.feedback.models import Call
from selfservice.invoices.models import Opening
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import mails, send
from selfservice.suppliers.models import Company
from tests.conftest import Browser, sign_in_adviser
from tests.factories import (
    People,
    make_adviser,
    make_company,
    make_invoice,
    make_profile,
    make_user,
)


@pytest.fixture
def path(people: People) -> str:
    return f"/conseil/{people.alice.company.client_number}"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("page", ["", "/factures"])
def test_another_site_s_page_has_an_adviser_look_at_nobody(
    site: str, page: str, nadia: Browser, people: People, path: str
) -> None:
    led = {"Sec-Fetch-Site": site}
    response = nadia.get(path + page, headers=led)
    assert response.location == path.replace("conseil/", "conseil?q=")
    search = nadia.get(response.location, headers=led)
    assert search.status_code == 200
    assert f'href="{path}"' in search.text, "one click from there"
    assert nadia.get(response.location).location == path, "who searches is led on"
    company = people.alice.company
    assert looks(company) == looks(company, "adviser.saw_list") == 0


def standing(browser: Browser, path: str) -> str:
    """Return what stands first on the sheet."""
    tree = html.fromstring(browser.get(path).text)
    (section,) = tree.xpath('//section[@aria-labelledby="etat"]/div[1]')
    return " ".join(section.text_content().split())


def looks(company: Company, event: str = "adviser.looked") -> int:
    found = AuditEntry.select().where(
        AuditEntry.event == event, AuditEntry.company_id == company.id
    )
    return int(found.count())


def activated(people: People) -> None:
    company = people.alice.company
    Activation.create(
        company=company, email_key=company.email_key, user=people.alice, activated_at=clock.now()
    )


def test_no_address_means_that_nothing_can_leave(nadia: Browser, people: People) -> None:
    path = f"/conseil/{people.bob.company.client_number}"
    assert standing(nadia, path).startswith("Aucune adresse mail enregistrée Rien ne peut partir.")
    assert "Enregistrer une adresse" in nadia.get(path).text


def test_an_address_waits_for_the_next_document(nadia: Browser, path: str) -> None:
    assert standing(nadia, path).startswith("Pas encore activé Aucun document depuis")


def test_an_activated_account_says_how_far_it_is(nadia: Browser, people: People, path: str) -> None:
    activated(people)
    assert standing(nadia, path).startswith("Activé, jamais connecté")
    for fields, words in (
        ({"signed_in_at": clock.now()}, "Activé alice : dernière connexion le"),
        ({"password_hash": None}, "Activé, mot de passe pas encore choisi"),
        ({"is_active": False}, "Identifiant désactivé"),
        ({"closed_at": clock.now(), "is_superseded": True}, "Identifiant fermé alice est fermé"),
    ):
        User.update(**fields).where(User.id == people.alice.id).execute()
        assert standing(nadia, path).startswith(words)


def test_the_last_mail_and_its_fate_stand_first(nadia: Browser, people: People, path: str) -> None:
    mails.queue_activation(people.alice.company, people.alice)
    OutboxMail.update(state="failed", reason="mailbox_full", answer="552 full").execute()
    assert "mail d’activation du" in standing(nadia, path)
    assert "refusé : boîte mail pleine" in standing(nadia, path).replace("\xa0", " ")


def test_logins_documents_and_address_are_on_the_sheet(
    nadia: Browser, people: People, path: str
) -> None:
    make_user(people.alice.company, "zoe")
    make_invoice(people.alice.company, number="F-77")
    page = nadia.get(path).text
    assert "alice@example.com" in page and "par le fichier client" in page
    assert "zoe" in page and "F-77" in page and "1 document" in page
    assert ".pdf" not in page.lower().replace("pdf.", "")


def test_another_supplier_s_number_is_as_if_it_were_not_there(
    nadia: Browser, people: People
) -> None:
    foreign = nadia.get(f"/conseil/{people.charlie.company.client_number}")
    absent = nadia.get("/conseil/n'existe pas")
    assert foreign.status_code == absent.status_code == 404
    assert "Trouver un client" in foreign.text and "Voir mes factures" not in foreign.text
    assert AuditEntry.select().where(AuditEntry.event == "access.denied").count() == 2


def test_each_look_is_told_to_the_customer_once_an_hour(
    nadia: Browser, alice: Browser, people: People, path: str
) -> None:
    for _ in range(3):
        nadia.get(path)
    assert looks(people.alice.company) == 1
    AuditEntry.update(at=clock.now() - timedelta(minutes=59)).execute()
    nadia.get(path)
    assert looks(people.alice.company) == 1
    AuditEntry.update(at=clock.now() - timedelta(minutes=61)).execute()
    nadia.get(path)
    assert looks(people.alice.company) == 2
    journal = alice.get("/administration/journal").text
    assert "nadia" in journal and "Fiche de la société consultée par un conseiller" in journal


def test_two_advisers_are_told_apart(
    nadia: Browser, new_browser: Callable[[], Browser], people: People, path: str
) -> None:
    olga = sign_in_adviser(new_browser(), make_adviser(people.supplier, "olga"))
    for browser in (nadia, olga):
        browser.get(path)
    assert looks(people.alice.company) == 2


def test_the_list_as_the_customer_sees_it_marks_and_opens_nothing(
    nadia: Browser, people: People, path: str
) -> None:
    old = clock.today() - timedelta(days=200)
    make_invoice(people.alice.company, number="F-NEW", has_xml=True)
    make_invoice(people.alice.company, number="F-OLD", issued_on=old)
    page = nadia.get(f"{path}/factures?login={people.alice.id}").text
    assert "Vous voyez la liste de <b>alice</b> comme le client" in page
    assert "F-NEW" in page and "F-OLD" not in page, "her display history"
    assert "F-OLD" in nadia.get(f"{path}/factures?login={people.alice.id}&historique=tout").text
    tree = html.fromstring(page)
    main = tree.xpath("//main")[0]
    assert {link.partition("?")[0] for link in main.xpath(".//a/@href")} <= {
        "/",
        path,
        f"{path}/factures",
    }
    assert main.xpath('.//form[@method="post"]') == []
    assert Opening.select().count() == 0
    assert looks(people.alice.company, "adviser.saw_list") == 1


def test_a_profile_hides_from_the_adviser_what_it_hides_from_its_user(
    nadia: Browser, people: People, path: str
) -> None:
    make_invoice(people.alice.company, number="F-1", contract="C-1")
    make_invoice(people.alice.company, number="F-2", contract="C-2")
    paul = make_user(
        people.alice.company, "paul", profile=make_profile(people.alice.company, "P", "C-2")
    )
    page = nadia.get(f"{path}/factures?login={paul.id}").text
    assert "F-2" in page and "F-1" not in page


def test_the_list_of_a_foreign_login_is_not_there(
    nadia: Browser, people: People, path: str
) -> None:
    for login in (people.bob.id, people.charlie.id, 2**63 - 1):
        assert nadia.get(f"{path}/factures?login={login}").status_code == 404


def test_one_login_is_found_without_reading_those_that_an_administrator_removed(
    nadia: Browser, people: People, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, now = people.alice.company, clock.now()
    names = [f"removed{number}" for number in range(300)]
    common = {"company": company, "created_at": now, "closed_at": now}
    User.insert_many([common | {"login": name, "login_key": name} for name in names]).execute()
    last = User.get(User.login == names[-1])
    made: list[User] = []
    make = User.__init__
    monkeypatch.setattr(
        User, "__init__", lambda self, *args, **kw: (made.append(self), make(self, *args, **kw))[1]
    )
    assert nadia.get(f"{path}/factures?login={last.id}").status_code == 200
    assert nadia.get(f"{path}/logins/{last.id}/fermeture").status_code == 302
    assert len(made) < 20
    for nobody in (0, -1, 2**63, -(10**30)):
        assert nadia.get(f"{path}/factures?login={nobody}").status_code == 404


def test_a_company_without_login_or_document_has_its_pages(nadia: Browser, people: People) -> None:
    company = make_company(people.supplier, name="Vide")
    path = f"/conseil/{company.client_number}"
    assert "Aucun identifiant" in nadia.get(path).text
    assert "Le client ne voit aucun document ici" in nadia.get(f"{path}/factures").text
    assert nadia.get(f"{path}/journal").status_code == 200


def test_no_document_is_an_adviser_s(nadia: Browser, people: People) -> None:
    invoice = make_invoice(people.alice.company)
    for rest in (f"{invoice.id}.pdf", f"{invoice.id}.xml", f"archive.zip?id={invoice.id}"):
        assert nadia.get(f"/factures/{rest}").status_code == 404
    assert nadia.get("/factures/registre.csv").status_code == 404


def test_one_click_counts_what_was_asked(nadia: Browser, path: str) -> None:
    for question in ("acceder-factures", "acceder-factures", "adresse-notification"):
        done = nadia.submit(f"{path}/appel", {"question": question}, page=path)
        assert done.headers["Location"] == path
    assert {(row.question, row.calls) for row in Call.select()} == {
        ("acceder-factures", 2),
        ("adresse-notification", 1),
    }


def test_what_is_no_question_counts_nothing(nadia: Browser, path: str) -> None:
    for question in ("", "autre", "x" * 10_000, "\x00"):
        nadia.submit(f"{path}/appel", {"question": question}, page=path)
        assert "Choisissez l’une des questions" in nadia.get(path).text
    assert Call.select().count() == 0


def test_the_journal_of_the_company_is_what_the_customer_reads(
    nadia: Browser, people: People, path: str
) -> None:
    for _ in range(101):
        AuditEntry.create(at=clock.now(), event="sign_in.done", company_id=people.alice.company_id)
    page = nadia.get(f"{path}/journal").text
    older = re.search(r"\?avant=\d+", page)
    assert older
    assert "Revenir aux plus récents" in nadia.get(f"{path}/journal{older[0]}").text
    for wrong in ("x", "-1", "9" * 30):
        assert nadia.get(f"{path}/journal?avant={wrong}").status_code == 200


def test_a_mail_of_an_activation_shows_after_a_real_deposit(
    nadia: Browser, people: People, path: str
) -> None:
    User.update(email=None, email_key=None).where(User.id == people.alice.id).execute()
    make_invoice(people.alice.company)
    send.send_due()
    assert standing(nadia, path).startswith("Activé, mot de passe pas encore choisi")
