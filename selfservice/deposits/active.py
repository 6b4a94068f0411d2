"""What a PDF does beside being read: programs, other files, addresses that open by themselves.

PDF/A-3, and so Factur-X, forbids nearly all of it (ISO 19005-3, 6.6). A link on which one clicks
may stay. Every object is looked at, whether or not something leads to it. Where a file gives one
thing twice, viewers choose otherwise than we do, and what another would show is not looked at: such
a file is refused too.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

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
# These go elsewhere only where they name a file: /Ref and /OPI put a page of one into a picture.
WITH_A_FILE = ("/Thread",)
PROXIES = ("/Ref", "/OPI")
ANNOTATIONS = dict.fromkeys(("/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"), "media")
KEYS = {"/JS": "script", "/JavaScript": "script", "/XFA": "xfa"}
# What happens without a click; `/AA` holds one action for each occasion.
BY_ITSELF = ("/OpenAction", "/Next", "/AA")
_NAMES = re.compile(
    "|".join((*ACTIONS, *WITH_A_FILE, *PROXIES, *ANNOTATIONS, *KEYS, *BY_ITSELF)).encode()
)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")


def find(pdf: Pdf) -> str:
    """Return the first active thing of a document, a key of messages.ACTIVE_LABELS, or nothing.

    Raises what reading a broken structure raises.
    """
    streams = [each for each in pdf.objects if isinstance(each, Stream)]
    if any("/F" in each for each in streams):  # what it holds is in a file elsewhere
        return "other_file"
    # qpdf writes each name in one form, whatever escapes the file has: most hold none of these.
    if any(_NAMES.search(_written(each)) for each in pdf.objects) and (
        found := next((kind for each in _dictionaries(pdf) if (kind := _of_dictionary(each))), "")
    ):
        return found
    is_ambiguous = any("duplicated key" in str(each) for each in pdf.get_warnings()) or any(
        _hides_another(each, pdf) for each in streams if each.get("/Type") == Name.ObjStm
    )
    return "ambiguous" if is_ambiguous else ""


def unescaped(written: bytes) -> bytes:
    """Return what a file holds with each « #4A » in its names as the letter that it is."""
    return _ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), written)


def _hides_another(packed: Stream, pdf: Pdf) -> bool:
    """Tell whether a stream of objects holds an active one in the place of what we have read.

    We go by the numbers in its heading, of which the last counts; some viewers go by their order.
    """
    content, first = packed.read_bytes(), int(packed.First)
    heading = [int(each) for each in content[:first].split()[: 2 * int(packed.N)]]
    places = sorted({*heading[1::2], len(content) - first})
    ends = dict(pairwise(places))
    for number, place in zip(heading[::2], heading[1::2], strict=False):
        written = unescaped(content[first + place : first + ends.get(place, place)])
        if _NAMES.search(written) and not _NAMES.search(_written(pdf.get_object(number, 0))):
            return True
    return False


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
    if str(entries.get("/S")) in WITH_A_FILE and "/F" in entries:
        return "other_file"
    if any(isinstance(entries.get(key), Dictionary) for key in PROXIES):
        return "other_file"
    if any(_opens_address(entries.get(key)) for key in BY_ITSELF):
        return "address"
    return ""


def _opens_address(value: object) -> bool:
    """Tell whether an action, or one of several, opens an address.

    What stands in /AA beside its actions does not make one action of it.
    """
    actions = [value]
    if isinstance(value, Array):
        actions = list(value)
    elif isinstance(value, Dictionary):
        actions += [each for _, each in value.items()]
    return any(isinstance(each, Dictionary) and str(each.get("/S")) == "/URI" for each in actions)
