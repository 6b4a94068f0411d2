"""click's own words in French. It speaks by gettext, and names its types as commands are declared.

So this is imported before any command; the words are in `locale/`.
"""

import gettext
import os
from pathlib import Path

HELP = "« selfservice COMMANDE --help » explique une commande et en montre un exemple."
LOCALE = Path(__file__).with_name("locale")

# Whatever language the account has: the portal's own words are French too.
os.environ["LANGUAGE"] = "fr"
gettext.bindtextdomain("messages", str(LOCALE))
gettext.textdomain("messages")
