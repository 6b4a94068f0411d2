"""What the system refuses, in French: the cause and the remedy of each errno. Its only home."""

import errno
import os
import socket
import ssl
from pathlib import Path

REASONS = {
    errno.EACCES: (
        "ce compte n'y a pas accès",
        "donnez-lui ce droit, ou lancez la commande par le compte du portail",
    ),
    errno.ENOENT: ("ce fichier ou ce dossier n'existe pas", "vérifiez ce chemin"),
    errno.ENOSPC: ("le disque est plein", "libérez de la place, puis recommencez"),
    errno.EDQUOT: ("le quota de ce compte est atteint", "libérez de la place, puis recommencez"),
    errno.EROFS: ("ce disque ne se lit qu'en lecture seule", "remontez-le en écriture"),
    errno.EISDIR: ("c'est un dossier", "nommez un fichier"),
    errno.ENOTDIR: ("une partie de ce chemin n'est pas un dossier", "vérifiez ce chemin"),
    errno.EEXIST: ("un fichier de ce nom est déjà là", "retirez-le, ou choisissez un autre nom"),
    errno.ENOTEMPTY: ("ce dossier n'est pas vide", "videz-le, ou choisissez-en un autre"),
    errno.EIO: (
        "le disque ne se lit ou ne s'écrit plus",
        "vérifiez-le : « journalctl -k » en parle",
    ),
    errno.ENODEV: ("ce disque n'est plus là", "remontez-le"),
    errno.ESTALE: ("ce dossier partagé n'est plus là", "remontez-le"),
    errno.EMFILE: ("trop de fichiers sont ouverts", "relevez la limite « ulimit -n »"),
    errno.ENFILE: ("trop de fichiers sont ouverts", "relevez « fs.file-max »"),
    errno.ENOMEM: ("la mémoire manque", "arrêtez d'autres programmes, puis recommencez"),
    errno.EAGAIN: ("le système refuse un processus ou un verrou de plus", "recommencez plus tard"),
    errno.EBUSY: ("un autre programme l'occupe", "recommencez plus tard"),
    errno.EFBIG: ("ce fichier dépasse la taille permise", "relevez la limite « ulimit -f »"),
    errno.ENAMETOOLONG: ("ce nom est trop long", "raccourcissez-le"),
    errno.ELOOP: ("ces liens symboliques tournent en rond", "nommez le fichier lui-même"),
    errno.EXDEV: ("ces deux chemins sont sur deux disques", "choisissez le même"),
    errno.EADDRINUSE: ("cette adresse est déjà prise", "choisissez un autre port"),
    errno.EADDRNOTAVAIL: (
        "cette adresse n'est pas celle de cette machine",
        "donnez une des siennes à --host",
    ),
    errno.ECONNREFUSED: ("personne n'y répond", "vérifiez l'adresse et que ce service tourne"),
    errno.ECONNRESET: ("la connexion a été coupée", "recommencez, puis voyez son journal"),
    errno.EPIPE: ("la connexion a été coupée", "recommencez, puis voyez son journal"),
    errno.ETIMEDOUT: ("aucune réponse à temps", "vérifiez l'adresse et le pare-feu"),
    errno.EHOSTUNREACH: ("cet hôte n'est pas joignable", "vérifiez le réseau et le pare-feu"),
    errno.ENETUNREACH: ("ce réseau n'est pas joignable", "vérifiez le réseau et le pare-feu"),
}
REASONS[errno.EPERM] = REASONS[errno.EACCES]
FULL_BYTES = 64 * 1024  # with less, a database can neither be opened nor written
UNKNOWN_HOST = ("ce nom d'hôte est inconnu", "vérifiez-le, et le serveur de noms de cette machine")


def explain(error: OSError) -> str:
    """Return cause and remedy, « le disque est plein ; libérez de la place, puis recommencez ».

    Where only this program's own words are there, those alone.
    """
    cause, remedy = reason(error)
    return f"{cause} ; {remedy}" if remedy else cause


def cause(error: OSError) -> str:
    """Return the cause alone, for a sentence that tells the remedy itself."""
    return reason(error)[0]


def reason_of_disk(folder: Path) -> tuple[str, str] | None:
    """Return cause and remedy of what keeps the disk of a folder from being written, if any.

    For a library that tells only that it failed.
    """
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    if disk.f_flag & os.ST_RDONLY:
        return REASONS[errno.EROFS]
    return REASONS[errno.ENOSPC] if disk.f_bavail * disk.f_frsize < FULL_BYTES else None


def reason(error: OSError) -> tuple[str, str]:
    """Return cause and remedy; the remedy is empty where the error is this program's own."""
    if isinstance(error, socket.gaierror):
        return UNKNOWN_HOST
    if isinstance(error, ssl.SSLError):  # its numbers are not those of the system
        return f"le chiffrement échoue ({error.reason or error})", "vérifiez port et certificat"
    if isinstance(error, TimeoutError):
        return REASONS[errno.ETIMEDOUT]
    if error.errno in REASONS:
        return REASONS[error.errno]
    if error.errno is None:
        return str(error) or type(error).__name__, ""
    name = errno.errorcode.get(error.errno, str(error.errno))
    return f"le système répond {name} ({error.strerror})", "« journalctl -e » en dit plus"
