"""Whatever a visitor sends over HTTP to two real workers, no answer is a 500."""

import http.client
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, quote_from_bytes, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import clock, config, db, tokens
from selfservice.accounts import recovery
from selfservice.accounts.models import Activation, SecondFactor, User
from selfservice.app import create_app
from selfservice.config import REPOSITORY
from selfservice.invoices import storage
from selfservice.invoices.filters import NAMES
from selfservice.notifications import mails
from selfservice.operations import installation
from tests import postgresql
from tests.conftest import CHEAP_HASHING, free_port
from tests.factories import (
    PASSWORD,
    make_adviser,
    make_company,
    make_invoice,
    make_people,
    make_profile,
    make_user,
)
from tests.papers import cii, pdf
from tests.processes import seconds_of, serving
from tests.requests import steps as requests
from tests.security.forms import Form, forms_of, links_of
from tests.security.test_lengths import forms as portal_forms
from tests.security.test_lengths import text_fields

pytestmark = pytest.mark.slow

NASTY = [
    b"",
    b"\0",
    b"a\0b",
    "\ud800".encode("utf-8", "surrogatepass"),
    "\u202egnp.exe\u2066".encode(),
    "é".encode("latin-1"),
    "facture".encode("utf-16"),
    b"\xff\xfe\xfd",
    str(2**63).encode(),
    str(-(2**63) - 1).encode(),
    b"9" * 400,
    b"1e309",
    b"NaN",
    b"../../etc/passwd",
    b"%00%0d%0aSet-Cookie: a=b",
    b"\r\nX-Injected: 1",
    b"{{7*7}}",
    b"' OR 1=1 --",
    b"<script>",
    "𝟙٣".encode(),
    "ﬀİı".encode(),
    ("\u0301\u0316" * 3_000).encode(),
    ("\ufdfa" * 3_000).encode(),
    ("\u1112\u1161\u11ab" * 1_000).encode(),
    "\u0130\u1e9e\uff0f\uff1a".encode(),
    b"a" * 5_000,
    b"%" * 300 + b"_" * 300,
    b"x" * 1_000_000,
]
HOSTILE = st.one_of(
    st.sampled_from(NASTY),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()),
)
TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "application/json",
    "text/plain; charset=unknown",
    "",
)
HEADERS = (
    "Cookie",
    "User-Agent",
    "Referer",
    "Range",
    "If-None-Match",
    "If-Modified-Since",
    "Accept-Language",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Origin",
)
GENEROUS = {key.name: "1000000/minute" for key in config.KEYS if key.name.startswith("LIMIT_")}
# Headers that the libraries below read, beside those above and those that our code names.
READ_BELOW = (
    *("Accept", "Accept-Encoding", "Accept-Charset", "Authorization", "Cache-Control"),
    *("Content-Type", "If-Match", "If-Range", "If-Unmodified-Since", "Forwarded", "Date"),
    *("X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "Sec-Fetch-Mode", "Expect"),
)
NAMED_IN_CODE = re.compile(r'headers(?:\.get\(|\[)"([A-Z][\w-]+)"|HTTP_([A-Z_]+)')
PARAMETER = re.compile(r'(?:args\.get(?:list)?|searched)\("([\w-]+)"')
MANY_FIELDS = 15
PAGES_OF_ROWS = ("/factures", "/factures/archive.zip", "/factures/registre.csv")
# Forms of the help site, which is not built here, and what no page of these visitors shows.
BESIDE = {
    "/avis": ("page", "useful"),
    "/avis/recherche": ("q",),
    "/deconnexion": (),
    "/recuperation/nouveau-lien": (),
    "/je-n-ai-rien-recu/renvoi": (),
    "/je-n-ai-rien-recu/autre": (),
    "/je-n-ai-rien-recu/demande": ("email", "words"),
    "/profil/demandes/nouvelles-factures": ("notification",),
    "/profil/double-authentification/confirmation": ("setup", "code"),
    "/profil/double-authentification/codes.txt": ("rescue_code",),
}


@dataclass
class Visitor:
    """A visitor without browser: sends any bytes, keeps the cookie of the session."""

    port: int
    cookie: str = ""
    forms: list[Form] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    beside: list["Visitor"] = field(default_factory=list)

    def send(
        self, method: str, path: str, *, body: bytes | None = None, **headers: bytes | str
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_accept_encoding=True)
        if self.cookie:
            headers.setdefault("Cookie", self.cookie)
        if body is not None:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        try:
            connection.endheaders(body)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            self._keep_cookie(response)
        finally:
            connection.close()
        return response.status, text

    def sign_in(self, login: str = "alice") -> None:
        self.cookie = ""
        _, page = self.send("GET", "/connexion")
        body = urlencode({"csrf_token": _token(page), "login": login, "password": PASSWORD})
        status, _ = self.send(
            "POST", "/connexion", body=body.encode(), Content_Type=TYPES[0], Referer="/connexion"
        )
        assert status == 302

    def explore(self, *starts: str) -> None:
        """Follow every link of the portal, and gather its pages and forms."""
        waiting, seen = set(starts), set(self.pages)
        while waiting:
            path = waiting.pop()
            seen.add(path)
            status, text = self.send("GET", path)
            self.pages.append(path)
            if status != 200 or "<html" not in text[:200]:
                continue
            self.forms += [form for form in forms_of(text, path) if _is_fair(form)]
            self.forms += [_asked_by(link) for link in links_of(text, path) if "?" in link]
            waiting |= {link for link in links_of(text, path) if _is_portal(link)} - seen

    def fresh_token(self) -> str:
        page = self.send("GET", "/profil/compte")[1]
        return _token(page) or _token(self.send("GET", "/connexion")[1])

    def _keep_cookie(self, response: http.client.HTTPResponse) -> None:
        for header in response.headers.get_all("Set-Cookie", []):
            self.cookie = header.partition(";")[0]


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    return found[1] if found else ""


def _is_fair(form: Form) -> bool:
    """Leave the way out alone: it would only end the visit."""
    return form.action != "/deconnexion"


def _asked_by(link: str) -> Form:
    """Return what a link asks for as if it were a form."""
    path, _, query = link.partition("?")
    return Form(action=path, method="GET", fields=dict(parse_qsl(query, keep_blank_values=True)))


def _is_portal(link: str) -> bool:
    return not link.startswith(("/aide/", "/static/", "/fournisseurs/"))


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """An administrator's visit to an instance with a few documents, served by two workers."""
    instance = tmp_path_factory.mktemp("fuzz") / "instance"
    with pytest.MonkeyPatch.context() as patch:
        if postgresql.is_selected:
            patch.setenv("SELFSERVICE_DATABASE_URL", postgresql.url_for(instance))
        patch.setenv("SELFSERVICE_INSTANCE", str(instance))
        for name, value in CHEAP_HASHING.items():
            patch.setenv(f"SELFSERVICE_{name}", value)
        installation.install(instance)
        with create_app().app_context(), db.connection():
            people = make_people()
            colleague = make_user(people.alice.company, "collegue")
            SecondFactor.create(user=colleague, seed="", last_step=0, enabled_at=clock.now())
            make_profile(people.alice.company, "Atelier", "C-1")
            User.update(is_administrator=True).execute()
            for number in range(3):
                path = storage.path_of(make_invoice(people.alice.company).sha256)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(pdf(cii(number=f"F-{number}")))
            link = tokens.issue(
                recovery.PURPOSE, str(people.alice.email_key), lifetime=timedelta(hours=1)
            )
            objected = requests.asked(people, "access")
            requests.prove()
            proven = requests.asked(people, "administrator")
            of_requests = [requests.link(f"request_{each}") for each in ("objection", "proof")]
            make_adviser(people.supplier, "nadia")
            active = make_company(people.supplier, client_number="A-1", email="a@example.com")
            owner = make_user(active, "owner", is_from_activation=True, email="a@example.com")
            Activation.create(
                company=active, email_key="a@example.com", user=owner, activated_at=clock.now()
            )
            mails.queue_activation(active, owner)
            number = people.alice.company.client_number
        port = free_port()
        with serving(instance, port, **GENEROUS):
            found = Visitor(port)
            for opened in (f"/reinitialisation/{link}", *of_requests):
                found.send("GET", opened)
            found.explore("/", "/connexion", "/reinitialisation", "/telechargement/inconnu")
            of_links = {
                f"/demandes/preuve?demande={proven.id}",
                f"/demandes/opposition?demande={objected.id}",
            }
            found.explore(*of_links)
            found.sign_in()
            found.sign_in()  # so that there is another session to close
            found.explore("/factures", "/fournisseurs/diac/portal.css", "/sante")
            assert {"/reinitialisation", "/administration/utilisateurs/ajout", *of_links} <= {
                form.action for form in found.forms
            }
            found.beside = _beside(port, "/conseil/A-1", f"/conseil/{number}")
            yield found


def _beside(port: int, *sheets: str) -> list[Visitor]:
    """Return who owes the code of a second factor, who has one and is signed in, an adviser."""
    half_way, proven, adviser = Visitor(port), Visitor(port), Visitor(port)
    proven.sign_in("charlie")
    adviser.sign_in("nadia")
    with create_app().app_context(), db.connection():
        for user in User.select().where(User.login.in_(("bob", "charlie", "nadia", "owner"))):
            SecondFactor.create(user=user, seed="", last_step=0, enabled_at=clock.now())
    half_way.sign_in("bob")
    half_way.explore("/connexion/code")
    proven.explore("/profil/double-authentification", "/profil/sessions")
    adviser.explore("/conseil", *sheets)
    return [half_way, proven, adviser]


def _quoted(value: bytes) -> str:
    return quote_from_bytes(value, safe="")


@st.composite
def submissions(draw: st.DrawFn, form: Form, token: str) -> tuple[bytes, str]:
    """Draw what may be sent to a form: some fields hostile, missing or doubled, oddly encoded."""
    pairs = [(name.encode(), value.encode()) for name, value in form.fields.items()]
    for place in draw(st.sets(st.integers(0, max(len(pairs) - 1, 0)), max_size=4)):
        if pairs:
            pairs[place] = (pairs[place][0], draw(HOSTILE))
    pairs += draw(
        st.lists(st.tuples(HOSTILE.filter(lambda each: len(each) < 999), HOSTILE), max_size=1)
    )
    kind = draw(st.sampled_from((TYPES[0],) * 6 + TYPES))
    has_token = draw(st.integers(0, 9)) > 0
    pairs = [
        (name, token.encode() if name == b"csrf_token" and has_token else value)
        for name, value in pairs
    ]
    if "boundary" in kind:
        return b"".join(_part(name, value) for name, value in pairs) + b"--b--\r\n", kind
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode(), kind


def _part(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"


def _never_500(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )


def _fill_in(visitor: Visitor, data: st.DataObject, *, home: str = "/factures") -> None:
    form = data.draw(st.sampled_from(visitor.forms))
    if form.method == "GET":
        query = "&".join(f"{name}={_quoted(data.draw(HOSTILE))[:8_000]}" for name in form.fields)
        status, text = visitor.send("GET", f"{urlsplit(form.action).path}?{query}")
    else:
        body, kind = data.draw(submissions(form, visitor.fresh_token()))
        status, text = visitor.send("POST", form.action, body=body, Content_Type=kind)
    assert status < 500, text
    if visitor.send("GET", home)[0] != 200:
        visitor.sign_in()


def _walk_in(visitor: Visitor, data: st.DataObject) -> None:
    """Change a step of the path, the query, a header, or the method."""
    path = data.draw(st.sampled_from(visitor.pages))
    steps = urlsplit(path).path.split("/")
    place = data.draw(st.integers(1, len(steps) - 1))
    if data.draw(st.booleans()):
        steps[place] = _quoted(data.draw(HOSTILE))[:8_000]
    query = f"?{_quoted(data.draw(HOSTILE))[:4_000]}" if data.draw(st.booleans()) else ""
    headers = {}
    if data.draw(st.booleans()):
        value = re.sub(rb"[\r\n\0]", b"", data.draw(HOSTILE))[:4_000]
        headers[data.draw(st.sampled_from((*HEADERS, *READ_BELOW)))] = value
    method = data.draw(st.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS")))
    status, text = visitor.send(method, "/".join(steps) + query, **headers)
    assert status < 500, text
    if visitor.send("GET", "/factures")[0] != 200:
        visitor.sign_in()


@given(data=st.data())
@_never_500(80)
def test_no_form_answers_500(visitor: Visitor, data: st.DataObject) -> None:
    _fill_in(visitor, data)


@given(data=st.data())
@_never_500(60)
def test_no_form_of_an_adviser_answers_500(visitor: Visitor, data: st.DataObject) -> None:
    adviser = visitor.beside[2]
    assert {"/conseil/A-1/adresse", "/conseil/A-1/lien"} <= {each.action for each in adviser.forms}
    _fill_in(adviser, data, home="/conseil")


@given(data=st.data())
@_never_500(80)
def test_no_address_answers_500(visitor: Visitor, data: st.DataObject) -> None:
    _walk_in(visitor, data)


# What costs most for its length: marks to put in order, forms that grow, patterns that go back.
LARGEST = {
    "marks": ("\u0301\u0316" * 25_000).encode(),
    "ligatures": ("\ufdfa" * 30_000).encode(),
    "jamo": ("\u1112\u1161\u11ab" * 11_000).encode(),
    "capitals": ("\u0130\u1e9e" * 20_000).encode(),
    "digits of elsewhere": ("\uff19\u0669" * 20_000).encode(),
    "unseen": ("\u200b\u202e\U000e0041" * 10_000).encode(),
    "broken": b"\xf0\xed\xa0\x80" * 25_000,
    "spaces": b" " * 100_000 + b"x",
    "separators": b";q=0," * 20_000 + b"q",
    "quotes": b'a="' + b"\\" * 100_000,
    "ranges": b"bytes=" + b"0-1," * 25_000,
    "digits": b"9" * 100_000,
    "dots": b"a." * 50_000 + b"@",
    "steps": b"a/" * 50_000,
    "wildcards": b"%_" * 50_000,
}


def _tried(visitor: Visitor) -> list[Form]:
    """Return, once, every form, every link with parameters, each page with all, and BESIDE."""
    parameters = {*NAMES.values(), *PARAMETER.findall(_code())}
    paths = {urlsplit(page).path for page in visitor.pages}
    found = [
        *visitor.forms,
        *(Form(path, "POST", dict.fromkeys(BESIDE[path], "")) for path in BESIDE),
        *(Form(path, "GET", {name: ""}) for path in PAGES_OF_ROWS for name in parameters),
        *(Form(path, "GET", dict.fromkeys(parameters, "")) for path in paths),
    ]
    return list({(form.action, form.method, *form.fields): form for form in found}.values())


def _code() -> str:
    return "".join(path.read_text("utf-8") for path in REPOSITORY.glob("selfservice/**/*.py"))


def test_what_is_tried_at_its_largest_is_all_there_is(visitor: Visitor) -> None:
    tried = [form for each in (visitor, *visitor.beside) for form in _tried(each)]
    app = create_app()
    doors = app.url_map.bind("127.0.0.1")
    paths = {urlsplit(form.action).path for form in tried if form.method == "POST"}
    posts = {doors.match(path, "POST")[0] for path in paths}
    rules = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert rules - posts == set()
    fields = {name for form in tried for name in form.fields}
    with app.test_request_context():
        known = {each.name for form in portal_forms() for each in text_fields(form)}
    assert known - fields == set()


def _headers() -> set[str]:
    """Return the headers that anything reads."""
    named = {a or b.title().replace("_", "-") for a, b in NAMED_IN_CODE.findall(_code())}
    return {*HEADERS, *READ_BELOW, *named} - {"Host"}  # « Host » is refused


@pytest.mark.parametrize(
    "largest",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "marks" else pytest.mark.soak)
        for name in LARGEST
    ],
)
def test_nothing_at_its_largest_takes_long(visitor: Visitor, largest: str) -> None:
    value = LARGEST[largest]
    for each in (visitor, *visitor.beside):
        _fill_with(each, value)
    line = re.sub(rb"[\r\n\0]", b"", value[:20_000])
    document = next(page for page in visitor.pages if page.endswith(".pdf"))
    for path in ("/connexion", "/aide/", "/static/portal.css", "/fournisseurs/diac/portal.css"):
        for name in _headers():
            _is_quick(visitor, "GET", path, **{name: line})
        _is_quick(visitor, "GET", f"{path}{_quoted(value)[:20_000]}")
    for name in _headers() - {"Cookie"}:
        _is_quick(visitor, "GET", document, **{name: line})
        if name not in ("Expect", "Content-Type"):
            _is_quick(visitor, "POST", "/avis/recherche", body=b"q=a", **{name: line})


def _fill_with(visitor: Visitor, value: bytes) -> None:
    """Send a value in each field alone, then in all at once."""
    token = visitor.fresh_token()
    for form in _tried(visitor):
        named = sorted(form.fields.keys() - {"csrf_token"})
        length = 80_000 if form.method == "POST" else 8_000
        # A page with all parameters there are gets them together: most it does not read.
        alone = named if len(named) < MANY_FIELDS or form.method == "POST" else []
        for names in (*([name] for name in alone), *([named] if named else [])):
            given = {key: each.encode() for key, each in form.fields.items()}
            given |= {name: value[: length // max(1, len(names))] for name in names}
            given |= {"csrf_token": token.encode()} if form.method == "POST" else {}
            path = urlsplit(form.action).path
            if form.method == "POST":
                body = urlencode(given).encode()[:250_000]
                origin = f"http://127.0.0.1:{visitor.port}"
                _is_quick(visitor, "POST", path, body=body, Content_Type=TYPES[0], Origin=origin)
            else:
                _is_quick(visitor, "GET", f"{path}?{urlencode(given)[:24_000]}")


def _is_quick(visitor: Visitor, method: str, path: str, **request: bytes | str) -> None:
    """Judge the best of three: whatever else the machine does costs caches and clock."""
    spent = []
    for _ in range(3):
        before = seconds_of(visitor.port)
        status, text = visitor.send(method, path, **request)
        assert status < 500, text
        spent.append(seconds_of(visitor.port) - before)
        if spent[-1] < 0.1:
            return
    pytest.fail(f"{method} {path[:80]} {list(request)}: {spent} s")


@pytest.mark.soak
@given(data=st.data())
@_never_500(5_000)
def test_no_form_answers_500_for_long(visitor: Visitor, data: st.DataObject) -> None:
    _fill_in(visitor, data)


@pytest.mark.soak
@given(data=st.data())
@_never_500(5_000)
def test_no_address_answers_500_for_long(visitor: Visitor, data: st.DataObject) -> None:
    _walk_in(visitor, data)
