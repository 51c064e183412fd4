"""Every legal tool that Creative Commons ever published, with what each permits.

The combinations come from the list of legal tools that Creative Commons keeps for counting its own use (repository
creativecommons/quantifying, file legal-tool-paths.txt). Version 2.1 and the three licences without attribution in
version 2.0 exist as ports only. Permissions per family, read from the deeds:

* BY, BY-SA, BY-NC, BY-NC-SA permit copies, performance and adaptation; NC for non-commercial purposes only.
* BY-ND and BY-NC-ND permit verbatim copies. Versions since 2.0 also permit "technical modifications" for other formats
  (4.0, section 2(a)(4)); we keep such files bit-identical all the same, because the older ones leave it open.
* Sampling Plus and NonCommercial Sampling Plus permit "to perform, display, and distribute copies of this whole work
  for noncommercial purposes (e.g., file-sharing or noncommercial webcasting)" (deeds of both): hold, stream and
  redistribute, never commercially. What they permit to change is sampling, not the whole: no re-encoding.
* Sampling permits samples only; of the whole work it says nothing, so nothing is permitted here.
* Developing Nations permits everything, but only in countries that the World Bank does not class as high-income; that
  list changes every year, so nothing is permitted here.
* The Public Domain Dedication and Certification was retired in 2010 because it rests on the law of the United States;
  it counts there and nowhere else, and so does the certification that followed it.
* A Public Domain Mark is a statement, not a permission: it counts worldwide, as it says, at the level of its evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from phonolith.model.licence import Licence

_HOST = "creativecommons.org"
_STANDARD = ("by", "by-nc", "by-nc-nd", "by-nc-sa", "by-nd", "by-sa")
_WITHOUT_BY = ("nc", "nc-sa", "nd", "nd-nc", "sa")

_UNPORTED = "*"
#: Version to the jurisdictions it was ported to; "*" is the unported (generic, international) one.
_PORTS = {
    "1.0": "* fi il nl",
    "2.0": "* at au be br ca cl de es fr hr it jp kr nl pl tw uk za",
    "2.1": "au ca es jp",
    "2.5": "* ar au bg br ca ch cn co dk es hr hu il in it mk mt mx my nl pe pl pt scotland se si tw za",
    "3.0": "* am at au az br ca ch cl cn cr cz de ec ee eg es fr ge gr gt hk hr ie igo it lu nl no nz ph pl pr pt ro "
    "rs sg th tw ug us ve vn za",
    "4.0": "*",
}
_PORTS_WITHOUT_BY = {"1.0": "* fi nl", "2.0": "jp"}
_PORTS_OF_SAMPLING = {"sampling": "* br tw", "sampling+": "* br de tw", "nc-sampling+": "* tw"}

#: Ports that have an SPDX identifier (SPDX licence list 3.27), which is our code. All unported ones with BY have one.
_SPDX = (
    "CC-BY-2.5-AU CC-BY-3.0-AT CC-BY-3.0-AU CC-BY-3.0-DE CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-3.0-US CC-BY-NC-3.0-DE "
    "CC-BY-NC-ND-3.0-DE CC-BY-NC-ND-3.0-IGO CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR CC-BY-NC-SA-2.0-UK "
    "CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-ND-3.0-DE CC-BY-SA-2.0-UK CC-BY-SA-2.1-JP CC-BY-SA-3.0-AT "
    "CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO CC-SA-1.0"
)

_WORDS = {"by": "Attribution", "nc": "NonCommercial", "nd": "NoDerivatives", "sa": "ShareAlike"}
_ANY_USE = Licence(
    "", "", "", "", hold=True, stream=True, redistribute=True, reencode=True, commercial=True, attribution=True
)


def addresses(licence: Licence) -> Iterator[str]:
    """Every host and path, without scheme and last slash, at which Creative Commons publishes this licence."""
    address = licence.uri.removeprefix("https://").removesuffix("/")
    yield address
    if "/by-nd-nc/" in address:  # renamed after version 1.0, and old addresses are forwarded
        yield address.replace("/by-nd-nc/", "/by-nc-nd/")


def _standard() -> Iterator[Licence]:
    for version, ports in _PORTS.items():
        for kind in _STANDARD:
            path = "by-nd-nc" if (kind, version) == ("by-nc-nd", "1.0") else kind
            yield from (_licence(kind, path, version, port) for port in _split(ports))


def _without_attribution() -> Iterator[Licence]:
    """The five of version 1.0 that ask for no credit, and their Japanese ports of version 2.0."""
    for version, ports in _PORTS_WITHOUT_BY.items():
        for kind in _WITHOUT_BY:
            yield from (_licence(kind, kind, version, port) for port in _split(ports))


def _split(ports: str) -> list[str]:
    """The jurisdictions of a line of the tables above; "" is the unported one."""
    return ["" if port == _UNPORTED else port for port in ports.split()]


def _licence(kind: str, path: str, version: str, port: str) -> Licence:
    """One of the licences made of BY, NC, ND and SA."""
    elements = frozenset(kind.split("-"))
    ordered = [element for element in ("by", "nc", "nd", "sa") if element in elements]
    code = "-".join(["CC", *ordered, version, *([port] if port else [])]).upper()
    has_spdx = code in _SPDX.split() or (not port and "by" in elements)
    return replace(
        _ANY_USE,
        code=code,
        family="-".join(dict.fromkeys(["by", *ordered])),
        uri=f"https://{_HOST}/licenses/{path}/{version}/{port + '/' if port else ''}",
        title=_title("-".join(_WORDS[element] for element in ordered), version, port),
        version=version,
        jurisdiction=port.upper(),
        spdx=code if has_spdx else "",
        reencode="nd" not in elements,
        commercial="nc" not in elements,
        attribution="by" in elements,
        share_alike="sa" in elements,
    )


def _title(name: str, version: str, port: str) -> str:
    return f"Creative Commons {name} {version}" + (f" ({port.upper()})" if port else "")


def _sampling() -> Iterator[Licence]:
    names = {"sampling": "Sampling", "sampling+": "Sampling Plus", "nc-sampling+": "NonCommercial Sampling Plus"}
    for path, ports in _PORTS_OF_SAMPLING.items():
        for port in _split(ports):
            whole = path != "sampling"
            yield Licence(
                code="-".join(["CC", path.replace("+", "-plus"), "1.0", *([port] if port else [])]).upper(),
                family="sampling",
                uri=f"https://{_HOST}/licenses/{path}/1.0/{port + '/' if port else ''}",
                title=_title(names[path], "1.0", port),
                version="1.0",
                jurisdiction=port.upper(),
                hold=whole,
                stream=whole,
                redistribute=whole,
                attribution=True,
            )


def _others() -> Iterator[Licence]:
    """Developing Nations and the public domain tools."""
    yield Licence(
        code="CC-DEVNATIONS-2.0",
        family="restricted",
        uri=f"https://{_HOST}/licenses/devnations/2.0/",
        title="Creative Commons Developing Nations 2.0",
        version="2.0",
        attribution=True,
    )
    free = replace(_ANY_USE, attribution=False)
    yield replace(
        free,
        code="CC0-1.0",
        family="cc0",
        uri=f"https://{_HOST}/publicdomain/zero/1.0/",
        title="Creative Commons Zero 1.0",
        version="1.0",
        spdx="CC0-1.0",
    )
    yield replace(
        free,
        code="PDM-1.0",
        family="pd",
        uri=f"https://{_HOST}/publicdomain/mark/1.0/",
        title="Public Domain Mark 1.0",
        version="1.0",
        spdx="CC-PDM-1.0",
    )
    yield replace(
        free,
        code="CC-PDDC",
        family="pd",
        uri=f"https://{_HOST}/licenses/publicdomain/",
        title="Creative Commons Public Domain Dedication and Certification",
        spdx="CC-PDDC",
        jurisdiction="US",
        territories=("US",),
    )
    yield replace(
        free,
        code="CC-PDC-1.0-US",
        family="pd",
        uri=f"https://{_HOST}/publicdomain/certification/1.0/us/",
        title="Creative Commons Public Domain Certification 1.0 (US)",
        version="1.0",
        jurisdiction="US",
        territories=("US",),
    )


LICENCES: tuple[Licence, ...] = (*_standard(), *_without_attribution(), *_sampling(), *_others())
