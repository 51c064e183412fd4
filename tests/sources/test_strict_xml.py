"""XML of strangers: read where it is plain, refused with a code where it could cost more than it is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonolith.errors import BadInput
from phonolith.sources.strict_xml import Bounds, read_xml

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
REFUSED = {
    "a billion laughs": (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>', "xml.entities"),
    "one entity": ('<!DOCTYPE a [<!ENTITY x "y">]><a/>', "xml.entities"),
    "an entity from a file": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "xml.entities"),
    "a parameter entity": ('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd">%x;]><a/>', "xml.entities"),
    "an entity nobody declared": ("<a>&nbsp;</a>", "xml.broken"),
    "the same, with a type nobody fetches": ('<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a>&nbsp;</a>', "nothing"),
    "cut off": ("<a><b>", "xml.broken"),
    "no XML": ("{}", "xml.broken"),
    "nothing": ("", "xml.broken"),
    "two roots": ("<a/><b/>", "xml.broken"),
    "an encoding nobody knows": ('<?xml version="1.0" encoding="x-none"?><a/>', "xml.broken"),
    "a prefix nobody declared": ("<x:a/>", "xml.broken"),
    "the same attribute twice": ('<a b="1" b="2"/>', "xml.broken"),
    "too deep": ("<a>" * 65 + "</a>" * 65, "xml.too-large"),
    "too many attributes": ("<a " + " ".join(f'b{n}="1"' for n in range(65)) + "/>", "xml.too-large"),
    "too many elements": ("<a>" + "<b/>" * 1000 + "</a>", "xml.too-large"),
    "too many bytes": ("<a>" + " " * 20_000 + "</a>", "xml.too-large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_cost_more_than_it_is_is_refused(name: str) -> None:
    text, code = REFUSED[name]
    bounds = Bounds(size=20_000, elements=1000)
    tracemalloc.start()
    try:
        if code == "nothing":  # what is left out is not made up, and nothing was fetched
            assert read_xml(text.encode(), name, bounds).text is None
            return
        with pytest.raises(BadInput) as caught:
            read_xml(text.encode(), name, bounds)
        assert (caught.value.code, caught.value.subject) == (code, name)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2_000_000


def test_real_answers_read_as_another_parser_reads_them(shared_data: Path) -> None:
    found = 0
    for path in sorted((shared_data / "oai-pmh").rglob("*.xml")):
        if path.name == "ListRecordsBroken.xml":
            with pytest.raises(BadInput):
                read_xml(path.read_bytes(), path.name)
            continue
        ours, theirs = read_xml(path.read_bytes(), path.name), ElementTree.fromstring(path.read_bytes())
        assert ElementTree.tostring(ours) == ElementTree.tostring(theirs)
        found += 1
    assert found >= 20


@given(st.recursive(st.text("ab<&é😀", max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_what_is_written_is_read(tree: object) -> None:
    def build(value: object) -> ElementTree.Element:
        element = ElementTree.Element("{urn:x}a", {"k": value} if isinstance(value, str) else {})
        if isinstance(value, str):
            element.text = value or None
        else:
            assert isinstance(value, list)
            element.extend(map(build, value))
        return element

    data = ElementTree.tostring(build(tree))
    assert ElementTree.tostring(read_xml(data, "tree")) == data
