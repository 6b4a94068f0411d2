"""Who is in the demonstration: suppliers, companies, their contracts and users. All invented."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Contract:
    """What a company pays each month: `net_cents`, more or less up to `spread_percent`."""

    reference: str
    item: str
    net_cents: int
    day: int
    spread_percent: int = 0


@dataclass(frozen=True)
class Customer:
    """A company, as its adviser registered it, and its contracts."""

    client_number: str
    name: str
    siren: str
    street: str
    town: str
    email: str = ""
    notification: str = "none"
    delivery: str = "electronic"
    contracts: tuple[Contract, ...] = ()

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
    opened_on: date | None = None

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


def french_vat_number(siren: str) -> str:
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


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
    opened_on=date(2022, 12, 2),
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
