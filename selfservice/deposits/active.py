"""What a PDF does beside being read: programs, other files, addresses that open by themselves.

PDF/A-3, and so Factur-X, forbids nearly all of it (ISO 19005-3, 6.6). A link on which one clicks
may stay. Every object is looked at, whether or not something leads to it. Where a file gives one
thing twice, viewers choose otherwise than we do, and what another would show is not looked at: such
a file is refused too, unless nothing active can hide there, as where a careless program names its
author twice.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO

from pikepdf import AccessMode, Array, Dictionary, Name, Object, Pdf, Stream, XrefEntry

from selfservice.invoices import embedded_xml

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
# What decides how a stream is read: given twice, another viewer unpacks other objects.
OF_STREAM = ("/Type", "/Length", "/Filter", "/DecodeParms", "/F", "/N", "/First", "/Extends")
_BY_NAME = (*ACTIONS, *WITH_A_FILE, *PROXIES, *ANNOTATIONS, *KEYS)
# In the bytes of a whole file, pictures included, three letters are soon there by chance.
# Chrome ends a name at two bytes more, which belong to it for others.
_END_OF_NAME = rb"(?=[\0\t\n\f\r ()<>\[\]{}/%\x80\xff]|$)"
_OF_OBJECTS, _SPLIT = re.compile(rb"/(?:ObjStm|XRef)\b"), re.compile(rb"#(?:80|ff)")


def _any_of(names: tuple[str, ...], end: bytes = b"") -> re.Pattern[bytes]:
    return re.compile(b"(?:%s)%s" % ("|".join(names).encode(), end))


_NAMES = _any_of((*_BY_NAME, *BY_ITSELF))
_WHOLE_NAMES = _any_of(_BY_NAME, _END_OF_NAME)
_WHOLE_BY_ITSELF, _WHOLE_URI = _any_of(BY_ITSELF, _END_OF_NAME), _any_of(("/URI",), _END_OF_NAME)
_SECOND_TABLE = _any_of(("/XRefStm",), _END_OF_NAME)
_STREAM = re.compile(rb"\bstream\r?\n")
# Of every « obj », as a picture has by chance, one behind a number or blanks alone is an object's.
_OBJECT_OR_TRAILER = re.compile(rb"(?<=[-+.\d\0\s\x80\xff])obj(?![A-Za-z])|trailer")
_BLANK = rb"(?:[\0\s\x80\xff]|%[^\r\n]*(?=[\r\n]))"
_HEADER = re.compile(rb"[\0\s]*(\d{1,10})%b+(\d{1,10})%b*(?=obj)" % (_BLANK, _BLANK))
_ENDS_OF_KEYS = re.compile("[\udc80\udcff]")
# Of the most lenient viewer, for which « +0 » and « 0.5 » are numbers of an object as well.
_LENIENT_HEADER = re.compile(
    rb"(?<!\d)0*(\d{1,20})(?:\.\d*)?%b+[+-]?\d+(?:\.\d*)?%b*(?=obj)" % (_BLANK, _BLANK)
)
_REFERENCE = re.compile(rb"(\d+) \d+ R")
IN_FILE, PACKED = 1, 2  # of an entry of a table of objects (ISO 32000-1, 7.5.8.3)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_DUPLICATE = re.compile(r"\(object (\d+) (\d+), offset \d+\): dictionary has (?s:(.*)); last")


Table = Mapping[tuple[int, int], XrefEntry]  # of objects, by number and generation


def find(pdf: Pdf, file: BinaryIO) -> str:
    """Return the first active thing of a document, a key of messages.ACTIVE_LABELS, or nothing.

    `file` holds the document as it was sent.
    Raises what reading a broken structure raises.
    """
    streams = [each for each in pdf.objects if isinstance(each, Stream)]
    if any("/F" in each for each in streams):  # what it holds is in a file elsewhere
        return "other_file"
    # qpdf writes each name in one form, whatever escapes the file has: most hold none of these.
    if any(_NAMES.search(_written(each)) for each in _all(pdf)) and (
        found := next((kind for each in _readings(pdf) if (kind := _of_dictionary(each))), "")
    ):
        return found
    packed = [each for each in streams if each.get("/Type") == Name.ObjStm]
    duplicates = [text for each in pdf.get_warnings() if "duplicated key" in (text := str(each))]
    table = pdf.get_xref_table()
    is_ambiguous = (
        any(map(_is_split, streams))
        or any(_hides_another(each, pdf, table) for each in packed)
        or any(_decides(each, pdf) for each in duplicates)
        or (bool(duplicates) and _may_hide(file, packed))
        or _hides_objects(pdf, file, streams)
        or _has_active_strays(pdf, file, streams, packed)
    )
    return "ambiguous" if is_ambiguous else ""


def unescaped(written: bytes) -> bytes:
    """Return what a file holds with each « #4A » in its names as the letter that it is."""
    return _ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), written)


def _decides(duplicate: str, pdf: Pdf) -> bool:
    """Tell whether what qpdf says of a duplicate decides which objects the file has."""
    found = _DUPLICATE.search(duplicate)
    if found is None:  # of the trailer, or of a table of objects
        return True
    key = found[3].removeprefix("duplicated key ")
    return key in OF_STREAM and isinstance(pdf.get_object(int(found[1]), int(found[2])), Stream)


def _may_hide(file: BinaryIO, packed: list[Stream]) -> bool:
    """Tell whether a file holds an active name at all, where we have not looked either."""
    file.seek(0)
    return _is_active_at_all(
        [unescaped(file.read()), *(unescaped(each.read_bytes()) for each in packed)]
    )


def _is_active_at_all(written: list[bytes]) -> bool:
    def holds(names: re.Pattern[bytes]) -> bool:
        return any(names.search(each) for each in written)

    return holds(_WHOLE_NAMES) or (holds(_WHOLE_URI) and holds(_WHOLE_BY_ITSELF))


def _hides_objects(pdf: Pdf, file: BinaryIO, streams: list[Stream]) -> bool:
    """Tell whether a second table, for newer viewers alone, may give objects that we do not read.

    Word writes such a table; all that it gives is in the first, or in a stream that is.
    """
    file.seek(0)
    written = unescaped(file.read())
    if not _SECOND_TABLE.search(written):
        return False
    ours = sum(key in BY_ITSELF for each in _dictionaries(pdf) for key in each)
    return bool(
        len(_STREAM.findall(written)) > len(streams)
        or _WHOLE_NAMES.search(written)
        or (_WHOLE_URI.search(written) and len(_WHOLE_BY_ITSELF.findall(written)) > ours)
        or any(map(_leads_nowhere, _dictionaries(pdf)))
    )


def _has_active_strays(
    pdf: Pdf, file: BinaryIO, streams: list[Stream], packed: list[Stream]
) -> bool:
    """Tell whether an active object, or a stream of objects, stands where no table leads us.

    A viewer that does not like a table, or finds none, as Chrome behind 4 kB of blanks, looks for
    objects and trailers through the whole file, and takes the last of each. A PDF attached as it is
    has objects of its own: they may stay where none of them is active either.
    """
    file.seek(0)
    content = file.read()
    if not _may_be_active(unescaped(content)):  # as a tagged PDF of a hundred thousand objects
        return False
    ours = _places(pdf.get_xref_table(), content)
    looked_at = bytearray(content)
    for each in streams:
        if (attached := each.read_raw_bytes()).startswith(b"%PDF-") and _is_harmless(attached):
            # There alone: a copy of it may stand where no table leads.
            start = content.find(attached, ours.get(each.objgen, len(content)))
            if start >= 0:
                looked_at[start : start + len(attached)] = bytes(len(attached))
    own = set(ours.values())
    if _is_changed(packed, content, own):
        return True
    content = bytes(looked_at)
    places = [found.start() for found in _OBJECT_OR_TRAILER.finditer(content)]
    strays = (
        unescaped(content[place:end])
        for place, end in pairwise([*places, len(content)])
        if place not in own
    )
    # A trailer that says how all is encrypted has the same streams hold other objects.
    return any(
        _may_be_active(each) or (b"/Encrypt" in each and not pdf.is_encrypted) for each in strays
    )


def _is_split(stream: Stream) -> bool:
    """Tell whether what a stream of objects says of itself has other names for Chrome."""
    written = _written(stream)
    return bool(_OF_OBJECTS.search(written) and _SPLIT.search(written))


def _places(table: Table, content: bytes) -> dict[tuple[int, int], int]:
    """Return where « obj » stands in each object to which the table leads."""
    found = {}
    for number, entry in table.items():
        heading = _HEADER.match(content, entry.offset or 0) if entry.type == IN_FILE else None
        if heading and (int(heading[1]), int(heading[2])) == number:
            found[number] = heading.end()
    return found


def _is_changed(packed: list[Stream], content: bytes, own: set[int]) -> bool:
    """Tell whether what streams of objects refer to, a length perhaps, is given once more."""
    numbers = {int(each) for one in packed for each in _REFERENCE.findall(_written(one))}
    if not numbers:
        return False
    return any(number in numbers for each in packed for number in _heading(each)[::2]) or any(
        int(found[1]) in numbers and found.end() not in own
        for found in _LENIENT_HEADER.finditer(content)
    )


def _is_harmless(attached: bytes) -> bool:
    """Tell whether nothing is active in a PDF attached as it is."""
    file = BytesIO(attached)
    try:
        with embedded_xml.opened(file, AccessMode.stream) as pdf:
            return not find(pdf, file)
    except embedded_xml.PDF_FAULTS:  # only its own table would tell its objects
        return False


def _may_be_active(written: bytes) -> bool:
    return b"/ObjStm" in written or _is_active_at_all([written])


def _heading(packed: Stream) -> list[int]:
    """Return what a stream of objects holds: the number and the place of each in turn."""
    content = packed.read_bytes()
    return [int(each) for each in content[: int(packed.First)].split()[: 2 * int(packed.N)]]


def _leads_nowhere(entries: Mapping[str, object]) -> bool:
    """Tell whether what happens by itself is an object that we do not read.

    The /Next of a bookmark, which has no /S, is no action.
    """
    return any(
        key in entries and entries[key] is None
        for key in BY_ITSELF
        if key != "/Next" or "/S" in entries
    )


def _hides_another(packed: Stream, pdf: Pdf, table: Table) -> bool:
    """Tell whether a stream of objects holds an active one in the place of what we have read.

    We go by the numbers in its heading, of which the last counts; some viewers go by their order.
    """
    content, first, heading = packed.read_bytes(), int(packed.First), _heading(packed)
    if max(Counter(heading[::2]).values(), default=0) > 1:
        return True
    places = sorted({*heading[1::2], len(content) - first})
    ends = dict(pairwise(places))
    for number, place in zip(heading[::2], heading[1::2], strict=False):
        written = unescaped(content[first + place : first + ends.get(place, place)])
        ours, entry = pdf.get_object(number, 0), table.get((number, 0))
        is_here = entry and entry.type == PACKED and entry.obj_stream_number == packed.objgen[0]
        if not is_here and _is_active_at_all([written]):  # by a table that we do not read, or none
            return True
        if ours is not None and set(_NAMES.findall(written)) - set(_NAMES.findall(_written(ours))):
            return True
    return False


def _written(found: object) -> bytes:
    """Return an object as qpdf writes it, a stream by its dictionary, references unfollowed.

    A number or nothing, which may be an object too, comes as Python's own, and holds no name.
    """
    if not isinstance(found, Object):
        return b""
    return (found.stream_dict if isinstance(found, Stream) else found).unparse(resolved=True)


def _all(pdf: Pdf) -> Iterator[object]:
    """Yield every object, and the trailer, in which some viewers take the whole catalogue."""
    yield from pdf.objects
    yield pdf.trailer


def _dictionaries(pdf: Pdf) -> Iterator[Mapping[str, object]]:
    """Yield every dictionary, those inside others too, without following a reference."""
    left: list[object] = list(_all(pdf))
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


def _readings(pdf: Pdf) -> Iterator[Mapping[str, object]]:
    for entries in _dictionaries(pdf):
        yield entries
        if (other := _as_chrome_reads(entries)).keys() != entries.keys():
            yield other


def _as_chrome_reads(entries: Mapping[str, object]) -> dict[str, object]:
    return {_ENDS_OF_KEYS.split(key, maxsplit=1)[0]: value for key, value in entries.items()}


def _of_dictionary(entries: Mapping[str, object]) -> str:
    for key, kind in KEYS.items():
        if key in entries:
            return kind
    action, annotation = _name(entries.get("/S")), _name(entries.get("/Subtype"))
    if found := ACTIONS.get(action) or ANNOTATIONS.get(annotation):
        return found
    if action in WITH_A_FILE and "/F" in entries:
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
    return any(
        _name(entries.get("/S")) == "/URI"
        for each in actions
        if isinstance(each, Dictionary)
        for entries in (dict(each.items()), _as_chrome_reads(dict(each.items())))
    )


def _name(value: object) -> str:
    """Return a name without what no other viewer takes for its end; no letter of it is a fault."""
    written = value.unparse(resolved=True) if isinstance(value, Object) else b""
    return _SPLIT.split(written, maxsplit=1)[0].decode("ascii", "replace")
