"""What a PDF does beside being read: programs, other files, addresses that open by themselves.

PDF/A-3, and so Factur-X, forbids nearly all of it (ISO 19005-3, 6.6). A link on which one clicks
may stay. Every object is looked at, whether or not something leads to it.
"""

import re
from collections.abc import Iterator, Mapping

from pikepdf import Array, Dictionary, Object, Pdf, Stream

# What an action does (/S), what an annotation is (/Subtype); the values name messages.
ACTIONS = {
    "/JavaScript": "script",
    "/Launch": "launch",
    "/SubmitForm": "submit",
    "/ImportData": "import",
    "/GoToR": "other_file",
    "/GoToE": "other_file",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/RichMediaExecute": "media",
    "/GoTo3DView": "media",
}
ANNOTATIONS = dict.fromkeys(("/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"), "media")
KEYS = {"/JS": "script", "/JavaScript": "script", "/XFA": "xfa"}
# What happens without a click; `/AA` holds one action for each occasion.
BY_ITSELF = ("/OpenAction", "/Next", "/AA")
_NAMES = re.compile("|".join((*ACTIONS, *ANNOTATIONS, *KEYS, *BY_ITSELF)).encode())


def find(pdf: Pdf) -> str:
    """Return the first active thing of a document, a key of messages.ACTIVE_LABELS, or nothing.

    Raises what reading a broken structure raises.
    """
    # qpdf writes each name in one form, whatever escapes the file has: most hold none of these.
    if not any(_NAMES.search(_written(each)) for each in pdf.objects):
        return ""
    return next((found for each in _dictionaries(pdf) if (found := _of_dictionary(each))), "")


def _written(found: Object) -> bytes:
    """Return an object as qpdf writes it, a stream by its dictionary, references unfollowed."""
    return (found.stream_dict if isinstance(found, Stream) else found).unparse(resolved=True)


def _dictionaries(pdf: Pdf) -> Iterator[Mapping[str, object]]:
    """Yield every dictionary, those inside others too, without following a reference."""
    left: list[object] = list(pdf.objects)
    while left:
        found = left.pop()
        if isinstance(found, (Dictionary, Stream)):
            entries = dict(found.items())
            yield entries
            inside = list(entries.values())
        elif isinstance(found, Array):
            inside = list(found)
        else:
            continue
        left += [each for each in inside if isinstance(each, Object) and not each.is_indirect]


def _of_dictionary(entries: Mapping[str, object]) -> str:
    for key, kind in KEYS.items():
        if key in entries:
            return kind
    if found := ACTIONS.get(str(entries.get("/S"))) or ANNOTATIONS.get(
        str(entries.get("/Subtype"))
    ):
        return found
    if any(_opens_address(entries.get(key)) for key in BY_ITSELF):
        return "address"
    return ""


def _opens_address(value: object) -> bool:
    """Tell whether an action, or one of several, opens an address."""
    actions = [value]
    if isinstance(value, Array):
        actions = list(value)
    elif isinstance(value, Dictionary) and "/S" not in value:
        actions = [each for _, each in value.items()]
    return any(isinstance(each, Dictionary) and str(each.get("/S")) == "/URI" for each in actions)
