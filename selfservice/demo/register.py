"""Who is in the demonstration: suppliers, companies, their contracts and users. All invented."""

from dataclasses import dataclass
from datetime import date

from selfservice.demo.returned import RETURNING_DOMAIN
from selfservice.mail import REFUSING_DOMAIN


@dataclass(frozen=True)
class Contract:
    """What a company pays each month: `net_cents`, more or less up to `spread_percent`.

    A younger contract than the 24 months that the portal keeps began `months` ago.
    """

    reference: str
    item: str
    net_cents: int
    day: int
    spread_percent: int = 0
    months: int | None = None


@dataclass(frozen=True)
class Customer:
    """A company, as its adviser registered it, and its contracts.

    The documents of a fleet are plain PDFs, which an index describes.
    """

    client_number: str
    name: str
    siren: str
    street: str
    town: str
    email: str = ""
    notification: str = "none"
    delivery: str = "electronic"
    contracts: tuple[Contract, ...] = ()
    is_fleet: bool = False

    @property
    def vat_number(self) -> str:
        return french_vat_number(self.siren)


@dataclass(frozen=True)
class Contact:
    """Whom customers ask, as `suppliers set` takes it."""

    contact_name: str
    phone: str
    mail: str = ""
    hours: str = ""


@dataclass(frozen=True)
class Facts:
    """What else `suppliers set` takes."""

    opened_on: date | None = None
    platform_since: date | None = None
    signature: str = ""
    former_portal: str = ""
    former_closed_on: date | None = None
    former_prefixes: str = ""


@dataclass(frozen=True)
class Seller:
    """A supplier; `prefix` begins its document numbers."""

    slug: str
    name: str
    siren: str
    street: str
    town: str
    colour: str
    contact: Contact
    prefix: str
    customers: tuple[Customer, ...]
    facts: Facts = Facts()

    @property
    def vat_number(self) -> str:
        return french_vat_number(self.siren)


@dataclass(frozen=True)
class Colleague:
    """A user whom an administrator added, with a profile of these contracts where it has one."""

    login: str
    password: str
    last_name: str
    first_name: str
    added_by: str
    email: str = ""
    profile: str = ""
    contracts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adviser:
    """One of a supplier's staff; the second factor is on the demonstration's telephone."""

    slug: str
    login: str
    password: str
    email: str
    last_name: str
    first_name: str


def french_vat_number(siren: str) -> str:
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


# One address, twelve companies: what a bookkeeper's month looks like.
BOOKKEEPER = "helene.morvan@example.com"
ENTRUSTED = tuple(
    Customer(
        client_number=f"1006{number:02}",
        name=name,
        siren=siren,
        street=f"{number} rue de la Cale",
        town="29100 Douarnenez",
        email=BOOKKEEPER,
        contracts=(
            Contract(
                f"LLD-25-706{number:02}",
                "Location longue durée Kangoo",
                24_000 + 730 * number,
                1 + number,
                months=6,
            ),
        ),
    )
    for number, (name, siren) in enumerate(
        (
            ("Boulangerie du Port", "900000100"),
            ("Coiffure Élise", "900000118"),
            ("Cycles Rivoal", "900000126"),
            ("Fleurs de Mai", "900000134"),
            ("Garage du Stade", "900000142"),
            ("Librairie des Quais", "900000159"),
            ("Maraîchers du Bois", "900000167"),
            ("Menuiserie Tanguy", "900000175"),
            ("Pharmacie des Halles", "900000183"),
            ("Plomberie Kerrien", "900000191"),
            ("Taxis de la Baie", "900000209"),
            ("Traiteur Morel", "900000217"),
        ),
        1,
    )
)
BOOKKEEPER_LOGINS = tuple(f"helene.morvan_{number}" for number in range(1, len(ENTRUSTED) + 1))
FLEET = Customer(
    client_number="100900",
    name="Transports Garnier",
    siren="900000225",
    street="55 rue du Port Autonome",
    town="44600 Saint-Nazaire",
    email="paul.garnier@example.com",
    notification="daily",
    contracts=tuple(
        Contract(
            f"FLT-24-{number:05}",
            f"Location longue durée, véhicule {number} de la flotte",
            31_000 + 45 * number,
            2 + 10 * (number % 3),
        )
        for number in range(1, 85)  # 84 vehicles for 24 months: 2,016 documents
    ),
    is_fleet=True,
)
DIAC = Seller(
    slug="diac",
    name="Diac / Diac Location",
    siren="900000017",
    street="14 avenue du Pavé Neuf",
    town="93160 Noisy-le-Grand",
    colour="#0b5a7a",
    contact=Contact(
        "Votre conseiller clientèle",
        "09 00 00 00 01",
        "conseillers@diac.example",
        "du lundi au vendredi de 9 h à 18 h",
    ),
    prefix="FL",
    facts=Facts(
        opened_on=date(2022, 12, 2),
        platform_since=date(2026, 9, 1),
        signature="L’équipe Mobilize Financial Services",
        former_portal="E-Fact",
        former_closed_on=date(2023, 9, 1),
        former_prefixes="DC-,DL-",
    ),
    customers=(
        Customer(
            client_number="100245",
            name="Durand Transports",
            siren="900000025",
            street="8 rue des Rouliers",
            town="69007 Lyon",
            email="pierre.durand@example.com",
            contracts=(
                Contract("LLD-21-40817", "Location longue durée Master fourgon", 48_750, 3),
                Contract("LLD-23-51204", "Location longue durée Trafic combi", 41_290, 3),
                Contract("ENT-23-09117", "Entretien et pneumatiques", 11_640, 17, 60),
            ),
        ),
        Customer(
            client_number="100246",
            name="Durand Location",
            siren="900000033",
            street="8 bis rue des Rouliers",
            town="69007 Lyon",
            email="pierre.durand@example.com",
            notification="link",
            contracts=(Contract("LOA-22-30055", "Loyer Clio E-Tech", 28_460, 5),),
        ),
        Customer(
            client_number="100310",
            name="Garage Lemoine",
            siren="900000041",
            street="27 route de Nantes",
            town="35136 Saint-Jacques-de-la-Lande",
            email="claire.lemoine@example.com",
            notification="daily",
            contracts=(
                Contract("LLD-22-44871", "Location longue durée Kangoo E-Tech", 36_915, 4),
                Contract("VEH-24-00412", "Véhicules de courtoisie", 62_300, 20, 40),
            ),
        ),
        Customer(
            client_number="100402",
            name="Imprimerie Vasseur",
            siren="900000058",
            street="3 quai de la Batellerie",
            town="59000 Lille",
            email="marc.vasseur@example.com",
            notification="attached",
            delivery="paper",
            contracts=(Contract("LLD-20-12760", "Location longue durée Express", 24_180, 6),),
        ),
        Customer(
            client_number="100518",
            name="Boulangerie Petit",
            siren="900000066",
            street="1 place du Marché",
            town="21200 Beaune",
            contracts=(Contract("LOA-24-61033", "Loyer Kangoo", 21_900, 8),),
        ),
        Customer(
            client_number="100577",
            name="Menuiserie Le Goff",
            siren="900000233",
            street="6 impasse du Sabotier",
            town="22000 Saint-Brieuc",
            email=f"atelier@{REFUSING_DOMAIN}",
            contracts=(Contract("LLD-24-61450", "Location longue durée Trafic", 38_400, 7),),
        ),
        Customer(
            client_number="100583",
            name="Fleurs Kerbrat",
            siren="900000241",
            street="2 halles Saint-Louis",
            town="29200 Brest",
            email=f"boutique@{RETURNING_DOMAIN}",
            notification="attached",
            contracts=(Contract("LOA-24-61502", "Loyer Kangoo", 25_300, 6),),
        ),
        *ENTRUSTED,
        FLEET,
    ),
)
MARTIN = Seller(
    slug="martin",
    name="Fournitures Martin",
    siren="900000074",
    street="112 boulevard Carnot",
    town="31000 Toulouse",
    colour="#8a3b12",
    contact=Contact(
        "Le service clients", "09 00 00 00 02", hours="du lundi au samedi de 8 h à 12 h"
    ),
    prefix="FM",
    customers=(
        Customer(
            client_number="M-0042",
            name="Durand Transports",
            siren="900000025",
            street="8 rue des Rouliers",
            town="69007 Lyon",
            email="pierre.durand@example.com",
            contracts=(Contract("BUREAU-42", "Fournitures de bureau", 15_840, 12, 70),),
        ),
        Customer(
            client_number="M-0077",
            name="Hôtel des Tilleuls",
            siren="900000082",
            street="40 allée des Tilleuls",
            town="64000 Pau",
            email="accueil.tilleuls@example.com",
            notification="link",
            contracts=(Contract("ACCUEIL-77", "Papeterie et étiquettes", 9_375, 9, 50),),
        ),
    ),
)
SELLERS = (DIAC, MARTIN)

# Pierre's logins are left out: recovering them is the walk of the demonstration.
PASSWORDS = {
    "claire.lemoine@example.com": "Atelier-2CV",
    "marc.vasseur@example.com": "Encre-Bleue-59",
    f"atelier@{REFUSING_DOMAIN}": "Copeaux-22!",
    f"boutique@{RETURNING_DOMAIN}": "Pivoine-29-R",
    **dict.fromkeys(BOOKKEEPER_LOGINS, "Douze-Bilans-29"),
    "paul.garnier@example.com": "84-Camions",
    "accueil.tilleuls@example.com": "Pyrenees-64!",
}
COLLEAGUES = (
    Colleague(
        login="julien.garage",
        password="Clef-de-13",  # noqa: S106 - printed at each start of the demonstration
        last_name="Morel",
        first_name="Julien",
        email="julien.morel@example.com",
        profile="Véhicules de courtoisie",
        contracts=("VEH-24-00412",),
        added_by="claire.lemoine@example.com",
    ),
    Colleague(
        login="compta.garage",
        password="Grand-Livre-35",  # noqa: S106 - likewise
        last_name="Rivière",
        first_name="Sophie",
        added_by="claire.lemoine@example.com",
    ),
)
ADVISERS = (
    Adviser(
        "diac", "nadia.conseil", "Casque-Audio-7", "nadia.perrin@diac.example", "Perrin", "Nadia"
    ),
    Adviser("martin", "luc.conseil", "Combine-Gris-8", "luc.faure@martin.example", "Faure", "Luc"),
)
PUBLIC_PASSWORDS = PASSWORDS | {each.login: each.password for each in (*COLLEAGUES, *ADVISERS)}
