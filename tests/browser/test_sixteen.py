"""The sixteen questions, each from its answer in the FAQ to the end of the matter, by screen alone.

One demonstration for all: each walk changes a company that no other looks at.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from selfservice.demo.mailbox import read_mail
from tests import papers
from tests.browser.conftest import SIZES, demonstration, watched
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_people import opened_mail
from tests.browser.test_walk import PASSWORD, assert_nothing_scrolls_sideways, enter_desk, open_menu
from tests.processes import command, wait_until

pytestmark = pytest.mark.browser

FAQ = "/aide/foire-aux-questions/"
NUMBERS = "tr[id^=document] .number > a"
ONE_LINE = 40
CLAIRE = ("claire.lemoine@example.com", "Atelier-2CV")
MARC = ("marc.vasseur@example.com", "Encre-Bleue-59")
FLORIST = "boutique@retour.example"
HOTEL = ("accueil.tilleuls@example.com", "Pyrenees-64!")
PAUL = ("paul.garnier@example.com", "84-Camions")
HELENE, OF_HELENE = "helene.morvan@example.com", "Douze-Bilans-29"
PIERRE = "pierre.durand@example.com"

Deposit = Callable[[str, str], None]
Mails = Callable[..., FrameLocator]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sixteen")


@pytest.fixture(scope="module")
def portal(filled_instance: Path, site_dir: Path, folder: Path) -> Iterator[str]:
    with demonstration(filled_instance, folder, site_dir) as address:
        yield address


@pytest.fixture(scope="module")
def desk(chromium: Browser, portal: str) -> Iterator[Page]:
    """A page on which an adviser is signed in."""
    with watched(chromium, portal, SIZES["desk"]) as page:
        enter_desk(page)
        yield page


@pytest.fixture(scope="module")
def window(chromium: Browser, portal: str) -> Iterator[Page]:
    with watched(chromium, portal, SIZES["phone"]) as page:
        yield page


@pytest.fixture
def page(window: Page) -> Page:
    """The customer's page, which remembers nobody."""
    window.context.clear_cookies()
    window.emulate_media(color_scheme="light")
    return window


@pytest.fixture
def mails(page: Page, folder: Path) -> Mails:
    """Open a mail that has come since the walk began, or since it was last opened."""
    box = folder / "instance" / "mail"
    known = {path.stem for path in box.glob("*.eml")}

    def newest(subject: str, to: str) -> str:
        for name in sorted({path.stem for path in box.glob("[!.]*.eml")} - known):
            mail = read_mail(box, name)
            if mail.recipient == to and subject in mail.subject:
                return name
        return ""

    def open_mail(subject: str, *, to: str) -> FrameLocator:
        wait_until(lambda: newest(subject, to))
        name = newest(subject, to)
        known.add(name)
        page.goto(f"/demo/mails/{name}")
        return page.frame_locator("iframe")

    return open_mail


@pytest.fixture
def deposit(folder: Path, portal: str) -> Deposit:
    """The next invoice of a company, by the supplier's billing system."""

    def deposit_one(client_number: str, number: str) -> None:
        box = folder / number
        box.mkdir()
        (box / "1.pdf").write_bytes(papers.pdf())
        today = f"{papers.clock.today():%Y-%m-%d}"
        row = {"file": "1.pdf", "client_number": client_number, "invoice_number": number}
        papers.index(box, row | {"issued_on": today, "gross": "120.00"})
        for words in (("invoices", "deposit", "diac", str(box)), ("notifications", "send")):
            done = command(folder / "instance", *words, PUBLIC_URL=portal)
            assert done.returncode == 0, done.stderr

    return deposit_one


def follow(page: Page, question: str, link: str) -> None:
    """Land on a question of the FAQ, as from a search engine, and follow a link of its answer."""
    page.goto(f"{FAQ}#{question}")
    last_h2 = f"preceding-sibling::h2[1][@id='{question}']"
    page.locator(f"//article//*[{last_h2}]//a[@href='{link}']").first.click()


def sign_in(page: Page, login: str, password: str) -> None:
    """Sign in on the page that the help's link has led to."""
    page.get_by_label("Identifiant", exact=True).fill(login)
    page.get_by_label("Mot de passe", exact=True).fill(password)
    page.get_by_role("button", name="Connexion").click()


def press(page: Page, mail: FrameLocator, button: str) -> None:
    page.goto(str(mail.get_by_role("link", name=button).get_attribute("href")))


def recover(page: Page, mails: Mails, address: str, *, login: str = "") -> None:
    """Ask for the mail where the page's field holds the address, choose a password, sign in."""
    page.get_by_label("Adresse mail").fill(address)
    page.get_by_role("button", name="Envoyer").click()
    press(page, mails("Récupération", to=address), "Retrouver mon identifiant")
    if login:
        page.get_by_role("radio", name=login).check()
    page.get_by_label("Votre mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("Confirmation", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Envoyer").click()
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Connexion").click()
    page.wait_for_url("**/factures")


def copy_from_invoice(page: Page, client_number: str, number: str) -> None:
    page.get_by_label("Numéro client").fill(client_number)
    page.get_by_label("Numéro d’une facture").fill(number)
    page.get_by_label("Montant TTC").fill("120,00")
    page.get_by_role("button", name="Voir ce qu’il en est").click()


def decide(desk: Page, whose: str, kind: str, button: str, *, reason: str = "") -> None:
    """Decide, as an adviser, what a customer asks for."""
    desk.goto("/conseil/demandes")
    desk.get_by_role("row", name=whose).get_by_role("link", name=kind).first.click()
    if reason:
        desk.get_by_role("button", name=button).click()
        expect(desk.get_by_role("alert")).to_contain_text("Donnez la raison")
        desk.get_by_label("Réponse au client").fill(reason)
    desk.get_by_role("button", name=button).click()
    expect(desk.get_by_role("status").first).to_contain_text("Le client en est prévenu")


def read_document(page: Page, number: str) -> None:
    link = page.get_by_role("link", name=number, exact=True).get_attribute("href")
    assert page.request.get(str(link)).body().startswith(b"%PDF")


def test_1_who_has_no_registered_address_gets_one_and_reads(
    page: Page, mails: Mails, desk: Page, deposit: Deposit, folder: Path
) -> None:
    address = "anne.petit@example.com"
    deposit("100518", "PAIN-1")  # on paper, it is in her hand
    follow(page, "portail-e-facture", "/je-n-ai-rien-recu")
    copy_from_invoice(page, "100518", "PAIN-1")
    page.get_by_role("link", name="Faites enregistrer la vôtre").click()
    assert_nothing_scrolls_sideways(page)
    page.get_by_label("Nouvelle adresse mail").fill(address)
    page.get_by_label("Qui êtes-vous").fill("Anne Petit, gérante, 03 80 11 22 33")
    page.get_by_role("button", name="Envoyer la demande").click()
    press(page, mails("Confirmez votre adresse", to=address), "Confirmer mon adresse")
    page.get_by_role("button", name="Confirmer mon adresse").click()
    expect(page.get_by_text("votre société peut s’y opposer jusque-là")).to_be_visible()
    with sqlite3.connect(folder / "instance" / "portal.db") as database:  # seven days later
        database.execute("UPDATE customer_request SET waits_until = proven_at")
    decide(desk, "Boulangerie Petit", "Adresse demandée", "Accepter")
    mails("Demande faite", to=address)
    deposit("100518", "PAIN-2")
    press(page, mails("Votre identifiant", to=address), "Choisir mon mot de passe")
    recover(page, mails, address)
    read_document(page, "PAIN-2")


def test_2_reads_by_the_portal_and_by_the_mail(page: Page) -> None:
    follow(page, "acceder-factures", "/")
    sign_in(page, *CLAIRE)
    page.wait_for_url("**/factures")
    read_document(page, page.locator(NUMBERS).first.inner_text())
    page.context.clear_cookies()
    mail = opened_mail(page, re.compile("nouveaux documents"), row=CLAIRE[0])
    link = mail.get_by_role("link", name="FL").first.get_attribute("href")
    path = re.sub("^https?://[^/]+", "", str(link))  # the mail was made on another port
    assert page.request.get(path).body().startswith(b"%PDF")


def test_3_the_activation_mail_comes_again(page: Page, mails: Mails, deposit: Deposit) -> None:
    deposit("100245", "CAMION-1")
    follow(page, "mail-activation-non-recu", "/je-n-ai-rien-recu")
    copy_from_invoice(page, "100245", "CAMION-1")
    expect(page.get_by_text("Le mail d’activation est parti")).to_be_visible()
    page.get_by_role("button", name="Renvoyer").click()
    mail = mails("Votre identifiant", to=PIERRE)
    login = mail.locator(".login").inner_text().strip()
    press(page, mail, "Choisir mon mot de passe")
    recover(page, mails, PIERRE, login=login)
    read_document(page, "CAMION-1")


def test_4_the_login_is_found_again(page: Page, mails: Mails) -> None:
    follow(page, "retrouver-identifiant", "/recuperation")
    recover(page, mails, HELENE, login="helene.morvan_12")
    expect(page.get_by_text("Traiteur Morel").first).to_be_visible()


def test_5_signs_in_after_a_typing_error(page: Page) -> None:
    follow(page, "se-connecter", "/")
    sign_in(page, MARC[0], "encre-bleue-59")
    expect(page.get_by_role("alert")).to_contain_text("Identifiant ou mot de passe incorrect")
    sign_in(page, *MARC)
    expect(page).to_have_url(re.compile(r"/factures$"))


def test_6_sees_another_supplier_and_finds_the_way_back(page: Page, mails: Mails) -> None:
    page.goto("/recuperation")
    recover(page, mails, PIERRE, login="pierre.durand_3")
    expect(page).to_have_title(re.compile("Fournitures Martin"))
    open_menu(page, "phone")
    page.get_by_text("Mon compte").click()
    page.get_by_role("button", name="Déconnexion").click()
    follow(page, "factures-autre-fournisseur", "/recuperation")
    recover(page, mails, PIERRE, login="pierre.durand_2")
    expect(page.get_by_text("Durand Location").first).to_be_visible()


def test_7_documents_of_more_than_three_months_are_shown(page: Page) -> None:
    follow(page, "factures-plus-3-mois", "/profil/preferences")
    sign_in(page, *HOTEL)
    page.get_by_label("Historique d’affichage").select_option("2 ans")
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_role("status").first).to_contain_text("enregistrées")
    page.goto("/factures")
    assert page.locator(NUMBERS).count() > 12
    expect(page.get_by_text("masqués")).to_have_count(0)


def test_8_asks_at_the_first_sign_in_to_be_told_of_new_invoices(
    page: Page, mails: Mails, desk: Page, deposit: Deposit
) -> None:
    follow(page, "notification-nouvelle-facture", "/profil/demandes")
    sign_in(page, "helene.morvan_2", OF_HELENE)
    page.goto("/factures")
    question = page.locator("summary", has_text="prévenu des nouvelles factures")
    box = page.locator(".bands > *", has=question).bounding_box()
    assert box and box["height"] <= ONE_LINE
    question.click()
    assert_accessible(page)
    page.get_by_role("button", name="Un mail par document, document joint").click()
    expect(page.get_by_text("Votre demande est envoyée.")).to_be_visible()
    expect(question).to_be_hidden()
    decide(desk, "Coiffure Élise", "Changement de notification", "Accepter")
    mails("Demande faite", to=HELENE)
    deposit("100602", "COIFFURE-1")
    mails("COIFFURE-1", to=HELENE)
    attached = page.get_by_role("link", name="COIFFURE-1.pdf").get_attribute("href")
    assert page.request.get(str(attached)).body().startswith(b"%PDF")


def test_9_a_forgotten_password_is_chosen_anew(page: Page, mails: Mails) -> None:
    follow(page, "mot-de-passe-oublie", "/recuperation")
    recover(page, mails, HELENE, login="helene.morvan_11")
    expect(page.get_by_text("Taxis de la Baie").first).to_be_visible()


def test_10_no_reset_mail_came_because_the_mailbox_was_full(
    page: Page, mails: Mails, deposit: Deposit
) -> None:
    deposit("100583", "FLEUR-1")
    follow(page, "mail-reinitialisation-non-recu", "/je-n-ai-rien-recu")
    copy_from_invoice(page, "100583", "FLEUR-1")
    expect(page.get_by_text("boîte mail pleine")).to_be_visible()
    page.get_by_role("button", name="Renvoyer").click()  # once there is room again
    mails("Récupération", to=FLORIST)


def test_11_gets_an_invoice_from_before_the_portal(page: Page, mails: Mails, desk: Page) -> None:
    page.goto("/")
    sign_in(page, "DC-100605", "MotDePasse1!")
    expect(page.get_by_role("alert")).to_contain_text("E-Fact")
    expect(page.get_by_role("link", name="Retrouver mes anciennes factures")).to_have_attribute(
        "href", f"{FAQ}#historique-avant-2022-12-02"
    )
    follow(page, "historique-avant-2022-12-02", "/profil/demandes/document")
    sign_in(page, "helene.morvan_5", OF_HELENE)
    page.get_by_label("Quel document cherchez-vous").fill("Les factures de 2022.")
    page.get_by_role("button", name="Envoyer la demande").click()
    answer = "Elles partent demain par la poste."
    decide(desk, "Garage du Stade", "Document qui n’est plus ici", "Répondre", reason=answer)
    expect(mails("Demande faite", to=HELENE).get_by_text(answer)).to_be_visible()
    page.goto("/profil/demandes")
    expect(page.get_by_text(answer)).to_be_visible()


def test_12_not_told_of_the_last_invoice_sees_why_and_reads_it(page: Page) -> None:
    follow(page, "notification-non-recue", "/profil/compte")
    sign_in(page, *MARC)
    expect(page.get_by_text("Un mail par document, document joint")).to_be_visible()
    page.goto("/administration/courriels")
    expect(page.get_by_text("Accepté par le serveur").first).to_be_visible()
    page.goto("/factures")
    read_document(page, page.locator(NUMBERS).first.inner_text())


def test_13_a_colleague_reads_the_documents_of_a_contract(page: Page) -> None:
    follow(page, "acces-collaborateurs", "/administration/utilisateurs/ajout")
    sign_in(page, *CLAIRE)
    page.get_by_label("Login", exact=True).fill("lea.garage")
    page.get_by_role("button", name="Proposer un mot de passe").click()
    proposed = page.locator("b.secret").inner_text()
    expect(page.get_by_label("Mot de passe (bis)", exact=True)).to_have_value(proposed)
    page.get_by_label("Prénom").fill("Léa")
    page.get_by_role("group", name="CONTRATS").get_by_role("checkbox").first.check()
    page.get_by_role("main").get_by_role("button", name="Valider").last.click()
    expect(page.get_by_role("heading", name="À remettre à Léa")).to_be_visible()
    assert_accessible(page)
    page.context.clear_cookies()
    page.goto("/")
    sign_in(page, "lea.garage", proposed)
    page.wait_for_url("**/factures")
    read_document(page, page.locator(NUMBERS).first.inner_text())


def test_14_takes_everything_away_in_time(page: Page) -> None:
    follow(page, "duree-disponibilite", "/factures")
    sign_in(page, "helene.morvan_3", OF_HELENE)
    page.get_by_role("link", name=re.compile("^Afficher les")).click()
    page.wait_for_url("**historique=tout")
    count = page.locator(NUMBERS).count()
    with page.expect_download() as taken:
        page.get_by_role("link", name=f"Télécharger les {count} (ZIP)").click()
    names = ZipFile(BytesIO(taken.value.path().read_bytes())).namelist()
    assert sum(name.endswith(".pdf") for name in names) == count


def test_15_another_address_takes_over(
    page: Page, mails: Mails, desk: Page, deposit: Deposit
) -> None:
    new = "direction.garnier@example.com"
    follow(page, "adresse-notification", "/profil/demandes")
    sign_in(page, *PAUL)
    page.get_by_role("link", name="Changer d’adresse mail").click()
    page.get_by_label("Nouvelle adresse mail").fill(new)
    page.get_by_role("button", name="Envoyer la demande").click()
    press(page, mails("Confirmez votre adresse", to=new), "Confirmer mon adresse")
    page.get_by_role("button", name="Confirmer mon adresse").click()
    decide(desk, "Transports Garnier", "Changement d’adresse mail", "Accepter")
    told = mails("Une autre adresse mail est enregistrée", to=PAUL[0])
    expect(told.get_by_role("link", name="M’opposer à ce changement")).to_be_visible()
    deposit("100900", "FLOTTE-1")
    page.context.clear_cookies()
    press(page, mails("Votre identifiant", to=new), "Choisir mon mot de passe")
    recover(page, mails, new)
    read_document(page, "FLOTTE-1")
    page.context.clear_cookies()
    page.goto("/")
    sign_in(page, *PAUL)
    expect(page.get_by_role("alert")).to_contain_text("Identifiant ou mot de passe incorrect")
    mails("identifiant", to=PAUL[0])


def test_16_asks_a_question_and_is_answered_in_writing(
    page: Page, mails: Mails, desk: Page
) -> None:
    follow(page, "qui-contacter", "/profil/demandes/question")
    sign_in(page, "helene.morvan_4", OF_HELENE)
    page.get_by_label("Votre question").fill("Puis-je tout recevoir sur une seule adresse ?")
    page.get_by_role("button", name="Envoyer la demande").click()
    answer = "Oui : elle sert déjà à vos douze sociétés."
    decide(desk, "Fleurs de Mai", "Question", "Répondre", reason=answer)
    expect(mails("Demande faite", to=HELENE).get_by_text(answer)).to_be_visible()
