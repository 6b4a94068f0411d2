"""What the doctor says in French: each finding in one line, each fault with its remedy.

The help site prints the same table. And why a backup or a restoration cannot be.
"""

from collections.abc import Mapping

FINE = {
    "configuration": "Configuration : tous les réglages sont lisibles.",
    "secret_key": "Clé secrète : présente, lisible par vous seul.",
    "shared_key": "Clé secrète : celle du portail.",
    "permissions": "Droits : les dossiers sont à vous seul.",
    "database": "Base de données : joignable et saine.",
    "version": "Version : {version}.",
    "migrations": "Migrations : à jour.",
    "documents": "Documents : les {count} derniers sont à leur place.",
    "every_document": "Documents : les {count} sont à leur place et intacts.",
    "disk": "Place libre : {free}.",
    "clock": "Horloge : {now} UTC, d'accord avec sa référence.",
    "worker": "Processus de fond : en vie il y a {age}.",
    "backlog": "Mails et documents : rien n'attend depuis longtemps.",
    "queue": "File d'attente : joignable.",
    "limits": "Limites : l'endroit où elles sont comptées est joignable.",
    "backup": "Sauvegarde : la dernière date de {age}.",
    "smtp": "Serveur de mail : {server} accepte l'expéditeur {sender}.",
    "mail_folder": "Mails : écrits dans un dossier, {folder}.",
    "bounces": "Mails revenus : {place} se lit.",
    "imprint": "Mentions légales : l'éditeur et l'hébergeur sont nommés.",
    "help_site": "Site d'aide : construit.",
    "public_url": "Adresse publique : {url}.",
    "demo": "Démonstration : non.",
    "proxy_count": "Serveurs mandataires : {count}, comme le dit PROXY_COUNT.",
}

# name: (what is wrong, what to do)
FAULTS = {
    "configuration": ("Configuration : {reason}", "corrigez ce réglage, puis recommencez"),
    "closed_instance": (
        "Droits : ce compte n'a pas accès à {path}",
        "lancez la commande par le compte du portail",
    ),
    "no_key": ("Clé secrète : absente", "lancez « selfservice init »"),
    "other_key": (
        "Clé secrète : celle de cet hôte n'est pas celle du portail",
        "mettez la même SECRET_KEY sur chaque hôte, ou lancez « selfservice init --new-key »",
    ),
    "open_key": ("Clé secrète : d'autres comptes peuvent la lire", "lancez « chmod 600 {path} »"),
    "open_settings": (
        "Configuration : d'autres comptes lisent {path}, et les mots de passe qui y sont",
        "lancez « chmod 600 {path} »",
    ),
    "open_folder": (
        "Droits : d'autres comptes écrivent dans {path}",
        "lancez « chmod 700 {path} »",
    ),
    "readable_folder": ("Droits : d'autres comptes lisent {path}", "lancez « chmod 700 {path} »"),
    "other_owner": (
        "Droits : {count} fichier(s) ou dossier(s) d'un autre compte, dont {example}",
        "lancez « chown -R {owner}: {folders} » en tant que root",
    ),
    "closed_to_proxy": (
        "Droits : nginx doit envoyer les documents, mais son groupe ne peut pas lire {path}",
        "lancez « selfservice init »",
    ),
    "closed_folder": ("Droits : impossible d'écrire dans {path}", "{remedy}"),
    "database": ("Base de données : {cause}", "{remedy}"),
    "damaged": ("Base de données : abîmée ({reason})", "restaurez la dernière sauvegarde"),
    "migrations": (
        "Base de données : plus ancienne que ce portail, {count} migration(s) en attente",
        "lancez d'abord « selfservice init »",
    ),
    "newer_base": (
        "Base de données : plus récente que ce portail ({migration})",
        "remettez la version du portail qui l'a faite, ou une plus récente",
    ),
    "other_tables": (
        "Base de données : ses tables sont d'une autre version du portail (voyez {example})",
        "remettez la version du portail qui l'a faite",
    ),
    "documents": (
        "Documents : {count} fichier(s) manquant(s), dont {example}",
        "remontez DOCUMENTS_DIR, ou restaurez la dernière sauvegarde",
    ),
    "lost_documents": (
        "Documents : {count} perdu(s) ou abîmé(s) : {names}",
        "déposez-les de nouveau, ou reprenez-les dans une sauvegarde entière",
    ),
    "disk": ("Place libre : {free} sous {path}", "libérez de la place, ou agrandissez le disque"),
    "clock_year": ("Horloge : elle dit {now} UTC", "mettez la machine à l'heure"),
    "clock_drift": (
        "Horloge : {seconds} secondes d'écart avec sa référence",
        "synchronisez les horloges des hôtes",
    ),
    "clock_back": (
        "Horloge : le journal connaît déjà le {newest} UTC",
        "remettez la machine à l'heure",
    ),
    "clock_leapt": (
        "Horloge : le {now}, plus de {days} jours après le {last} ; la purge est suspendue",
        "mettez la machine à l'heure, ou lancez « selfservice retention purge » si elle l'est",
    ),
    "no_worker": ("Processus de fond : jamais vu", "lancez « selfservice worker »"),
    "late_worker": (
        "Processus de fond : sans signe de vie depuis {age}",
        "relancez « selfservice worker » et lisez son journal",
    ),
    "overdue_mails": (
        "Mails : {count} en retard de plus d'un quart d'heure",
        "lancez « selfservice mail deliver » pour en voir la cause",
    ),
    "unannounced": (
        "Documents : {count} déposé(s) sans suite depuis plus d'un quart d'heure",
        "lancez « selfservice notifications send » pour en voir la cause",
    ),
    "queue": ("File d'attente : {cause}", "{remedy}"),
    "limits": (
        "Limites : l'endroit où elles sont comptées est injoignable",
        "vérifiez RATELIMIT_STORAGE_URI et que ce service tourne",
    ),
    "smtp_connection": (
        "Serveur de mail : pas de conversation avec {server} ({reason})",
        "vérifiez MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS, MAIL_USE_SSL et le pare-feu",
    ),
    "smtp_certificate": (
        "Serveur de mail : le certificat de {server} n'est pas valable ({reason})",
        "mettez dans MAIL_SERVER le nom que porte le certificat, ou renouvelez-le",
    ),
    "smtp_login": (
        "Serveur de mail : {server} ne reconnaît pas le compte ({reason})",
        "vérifiez MAIL_USERNAME et MAIL_PASSWORD",
    ),
    "smtp_sender": (
        "Serveur de mail : {server} refuse l'expéditeur {sender} ({reason})",
        "vérifiez MAIL_DEFAULT_SENDER et ce que ce compte a le droit d'envoyer",
    ),
    "smtp_domain": (
        "Serveur de mail : {server} ne peut vérifier l'expéditeur {sender} ({reason})",
        "publiez SPF, DKIM et DMARC dans le DNS de ce domaine",
    ),
    "smtp_encryption": (
        "Serveur de mail : {server} veut une connexion chiffrée ({reason})",
        "activez MAIL_USE_TLS, avec le port 587",
    ),
    "smtp_hello": (
        "Serveur de mail : {server} refuse le nom de ce portail ({reason})",
        "donnez à MAIL_EHLO_NAME un nom complet que le DNS connaît",
    ),
    "smtp_host": (
        "Serveur de mail : {server} refuse l'adresse IP de ce portail ({reason})",
        "demandez à qui le tient de l'accepter, et vérifiez son DNS inverse",
    ),
    "smtp_quota": (
        "Serveur de mail : {server} a atteint la limite d'envois de ce portail ({reason})",
        "attendez, ou demandez une limite plus haute à qui le tient",
    ),
    "smtp_relay": (
        "Serveur de mail : {server} refuse de transmettre les mails de ce portail ({reason})",
        "donnez MAIL_USERNAME et MAIL_PASSWORD, ou faites-y autoriser l'adresse de cet hôte",
    ),
    "smtp_busy": (
        "Serveur de mail : {server} est occupé ou en panne ({reason})",
        "attendez, ou lisez le journal de ce serveur",
    ),
    "held_mails": (
        "Mails : {count} en attente, car {words} ({answer})",
        "{remedy}, ils partiront ensuite",
    ),
    "example_sender": (
        "Mails : l'expéditeur {sender} n'est qu'un exemple",
        "donnez une adresse de votre domaine à MAIL_DEFAULT_SENDER",
    ),
    "bounces": (
        "Mails revenus : la boîte ne se lit pas ({reason})",
        "vérifiez MAIL_BOUNCES, puis lancez « selfservice mail bounce --box »",
    ),
    "mail_folder": ("Mails : impossible d'écrire dans {folder} ({cause})", "{remedy}"),
    "help_site": ("Site d'aide : absent de {path}", "lancez « make site »"),
    "public_url_plain": (
        "Adresse publique : {url} n'est pas chiffrée",
        "placez un serveur mandataire avec un certificat devant, et une adresse en https",
    ),
    "foreign_suppliers": (
        "Démonstration : elle a de vrais fournisseurs ({suppliers}) et des mots de passe publics",
        "retirez DEMO, ou mettez-les dans une autre instance",
    ),
    "public_passwords": (
        "Démonstration : DEMO n'y est plus, et chacun connaît le mot de passe de {whose}",
        "commencez un vrai portail dans un dossier neuf, par « selfservice init »",
    ),
    "public_demo": (
        "Démonstration : elle est à une adresse publique, {url}",
        "retirez DEMO et DEMO_ANYWAY avant d'ouvrir un vrai portail",
    ),
    "proxy_count": (
        "Serveurs mandataires : PROXY_COUNT vaut {count}, mais X-Forwarded-For en a nommé {seen}",
        "comptez ceux qui sont devant le portail, et donnez ce nombre à PROXY_COUNT",
    ),
    "no_proxy_count": (
        "Adresse publique : en https, mais PROXY_COUNT vaut 0",
        "mettez PROXY_COUNT à 1, sinon les limites prennent tous les visiteurs pour un seul",
    ),
}

WARNINGS = {
    "foreign_suppliers": FAULTS["foreign_suppliers"],
    "unknown_variable": (
        "Configuration : la variable {variable} ne règle rien (nom le plus proche : {nearest})",
        "corrigez son nom, ou retirez-la",
    ),
    "low_disk": ("Place libre : {free} seulement sous {path}", "prévoyez un disque plus grand"),
    "failed_mails": (
        "Mails : {count} refusé(s) ou revenu(s) depuis une semaine",
        "lancez « selfservice mail list --returned » pour savoir lesquels",
    ),
    "faulty_addresses": (
        "Mails : {count} adresse(s) enregistrée(s) ne reçoivent plus",
        "lancez « selfservice mail list --returned », et faites corriger ces adresses",
    ),
    "no_backup": ("Sauvegarde : aucune", "lancez « selfservice backup FICHIER » chaque nuit"),
    "partial_backup": (
        "Sauvegarde : la dernière, d'il y a {age}, est partielle ; dernière entière : {whole}",
        "lancez « selfservice doctor --complet » pour savoir quels documents manquent",
    ),
    "old_backup": (
        "Sauvegarde : la dernière date de {age}",
        "voyez pourquoi la sauvegarde de la nuit ne passe plus",
    ),
    "imprint": (
        "Mentions légales : il manque {names}",
        "donnez-les dans config.toml, puis lancez « make site » : la loi les exige",
    ),
    "local_address": (
        "Adresse publique : {url} n'existe que sur cet hôte",
        "donnez la vraie à PUBLIC_URL avant d'ouvrir le portail",
    ),
    "mails_to_folder": (
        "Mails : écrits dans {folder}, aucun ne part",
        "retirez MAIL_TRANSPORT avant d'ouvrir le portail",
    ),
    "demo": ("Démonstration : oui", "n'y mettez aucune vraie facture"),
}

ERRORS = {
    "target_exists": "{path} existe déjà : choisissez un autre nom.",
    "no_room": (
        "Le disque de {folder}, qui est celui du portail, serait presque plein : libérez de la "
        "place, ou sauvegardez sur un autre disque."
    ),
    "not_empty": (
        "{path} n'est pas vide : une sauvegarde ne se restaure que dans une instance vide."
    ),
    "database_not_empty": (
        "La base n'est pas vide : une sauvegarde ne se restaure que dans une base vide."
    ),
    "damaged_archive": "{path} n'est pas une sauvegarde intacte : {reason}.",
    "damaged_database": "La base sauvegardée est abîmée : {reason}.",
    "unknown_format": (
        "Cette sauvegarde est d'un format inconnu ({format}) : mettez le portail à jour."
    ),
    "outside": (
        "Les réglages de cette sauvegarde mènent hors de l'instance, ou à ce qu'elle exécute ou "
        "publie ({settings}) : relancez avec « --yes » si vous le voulez."
    ),
    "mixed_places": (
        "Les réglages de cette sauvegarde mettent {one} dans {other} : donnez à la base et aux "
        "documents des places à part (SELFSERVICE_DATABASE_URL, SELFSERVICE_DOCUMENTS_DIR)."
    ),
    "newer_archive": (
        "Cette sauvegarde vient d'une version plus récente ({migration}) : "
        "mettez le portail à jour."
    ),
    "document_absent": "Il manque à cette sauvegarde le document {sha256}.",
    "no_program": "Le programme {program} est absent : installez postgresql-client.",
    "program_failed": "{program} a échoué : {reason}",
}
PLAN_SUMMARY = "Base : {plan.database} ; documents : {plan.documents} ; démonstration : {demo}."
ASK_OUTSIDE = (
    "Ces réglages mènent hors de l'instance, ou à ce qu'elle exécute ou publie ({settings}). "
    "Restaurer ainsi, oui ou non ?"
)
MISSING_DOCUMENT = "Document absent ou abîmé, non sauvegardé : {name}"
MISSING_IN_ARCHIVE = "Document absent de cette sauvegarde partielle : {name}"


def explain(name: str, facts: Mapping[str, object]) -> str:
    """Return the sentence of an error, which may be one that the doctor finds too."""
    text = ERRORS[name] if name in ERRORS else "{} ; {}.".format(*FAULTS[name])
    return " ".join(text.format(**facts).split())
