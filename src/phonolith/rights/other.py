"""Licences other than Creative Commons that occur on music, each with every address that names it exactly.

Where a licence was not written for recordings, what it permits of one is read narrowly:

* Free Art (LAL), the permissive software licences, Unlicense and WTFPL permit everything that is asked for here.
* GPL and LGPL permit private copies, but passing on asks for the complete source (GPL 3.0, section 6), which for a
  recording nobody can show: hold, nothing else. GFDL passes on verbatim and modified copies (section 2, 4), but forbids
  technical measures, which a stream to a player may use: no stream.
* ODbL and ODC-By cover a database and say that they do not cover its contents (ODbL 1.0, section 2.4): of a recording
  they permit nothing. PDDL covers contents too (section 2.1).
* The FMA licence permits a listener's own download and nothing besides, so an archive may do nothing with it.
* RightsStatements.org describes and permits nothing; its statements are recognised so that ``why`` can say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from phonolith.model.licence import Licence

_PERMISSIVE = Licence(
    "",
    "other-open",
    "",
    "",
    hold=True,
    stream=True,
    redistribute=True,
    reencode=True,
    commercial=True,
    attribution=True,
)
_COPYLEFT = replace(_PERMISSIVE, share_alike=True)
_NO_CREDIT = replace(_PERMISSIVE, attribution=False)
_HOLD_ONLY = Licence("", "restricted", "", "", hold=True, attribution=True, share_alike=True)
_NOTHING = Licence("", "restricted", "", "")

#: Template, code, SPDX identifier, title, version, addresses (the first one is the canonical one).
_TABLE: tuple[tuple[Licence, str, str, str, str, str], ...] = (
    (
        _COPYLEFT,
        "LAL-1.3",
        "LAL-1.3",
        "Free Art License 1.3",
        "1.3",
        "artlibre.org/licence/lal artlibre.org/licence/lal/en artlibre.org/licence/lal/de artlibre.org/licence/lal/es "
        "artlibre.org/licence/lal/it artlibre.org/licence/lal/pt artlibre.org/licence/lal/pl",
    ),
    (
        _COPYLEFT,
        "LAL-1.2",
        "LAL-1.2",
        "Free Art License 1.2",
        "1.2",
        "artlibre.org/licence/lal/licence-art-libre-12",
    ),
    (_PERMISSIVE, "MIT", "MIT", "MIT License", "", "opensource.org/licenses/MIT opensource.org/license/mit"),
    (_NO_CREDIT, "MIT-0", "MIT-0", "MIT No Attribution", "", "opensource.org/license/mit-0 github.com/aws/mit-0"),
    (_PERMISSIVE, "BSD-2-CLAUSE", "BSD-2-Clause", "BSD 2-Clause License", "", "opensource.org/licenses/BSD-2-Clause"),
    (_PERMISSIVE, "BSD-3-CLAUSE", "BSD-3-Clause", "BSD 3-Clause License", "", "opensource.org/licenses/BSD-3-Clause"),
    (_PERMISSIVE, "ISC", "ISC", "ISC License", "", "opensource.org/licenses/ISC"),
    (
        _PERMISSIVE,
        "APACHE-2.0",
        "Apache-2.0",
        "Apache License 2.0",
        "2.0",
        "apache.org/licenses/LICENSE-2.0 apache.org/licenses/LICENSE-2.0.txt apache.org/licenses/LICENSE-2.0.html "
        "opensource.org/licenses/Apache-2.0",
    ),
    (_NO_CREDIT, "0BSD", "0BSD", "BSD Zero Clause License", "", "opensource.org/licenses/0BSD"),
    (_NO_CREDIT, "UNLICENSE", "Unlicense", "The Unlicense", "", "unlicense.org/UNLICENSE"),
    (_NO_CREDIT, "WTFPL", "WTFPL", "Do What The Fuck You Want To Public License", "2", "wtfpl.net/about"),
    (
        _NO_CREDIT,
        "PDDL-1.0",
        "PDDL-1.0",
        "Public Domain Dedication and License 1.0",
        "1.0",
        "opendatacommons.org/licenses/pddl/1-0 opendatacommons.org/licenses/pddl/1.0",
    ),
    (
        _NOTHING,
        "ODBL-1.0",
        "ODbL-1.0",
        "Open Database License 1.0",
        "1.0",
        "opendatacommons.org/licenses/odbl/1-0 opendatacommons.org/licenses/odbl/1.0",
    ),
    (
        _NOTHING,
        "ODC-BY-1.0",
        "ODC-By-1.0",
        "Open Data Commons Attribution License 1.0",
        "1.0",
        "opendatacommons.org/licenses/by/1-0 opendatacommons.org/licenses/by/1.0",
    ),
    (
        _NOTHING,
        "FMA-LIMITED",
        "",
        "Free Music Archive licence: download only",
        "",
        "freemusicarchive.org/FMA_License freemusicarchive.org/FMA_Limited_Download_Only",
    ),
    (
        _NOTHING,
        "INC-1.0",
        "",
        "In Copyright (RightsStatements.org)",
        "1.0",
        "rightsstatements.org/vocab/InC/1.0 rightsstatements.org/page/InC/1.0",
    ),
    (
        _NOTHING,
        "INC-EDU-1.0",
        "",
        "In Copyright, educational use permitted (RightsStatements.org)",
        "1.0",
        "rightsstatements.org/vocab/InC-EDU/1.0 rightsstatements.org/page/InC-EDU/1.0",
    ),
    (
        _NOTHING,
        "INC-NC-1.0",
        "",
        "In Copyright, non-commercial use permitted (RightsStatements.org)",
        "1.0",
        "rightsstatements.org/vocab/InC-NC/1.0 rightsstatements.org/page/InC-NC/1.0",
    ),
    (
        _NOTHING,
        "CNE-1.0",
        "",
        "Copyright not evaluated (RightsStatements.org)",
        "1.0",
        "rightsstatements.org/vocab/CNE/1.0 rightsstatements.org/page/CNE/1.0",
    ),
)

#: Short name, title, versions and template of the GNU licences; each has "-only" and "-or-later" identifiers.
_GNU = (
    ("GPL", "GNU General Public License", ("2.0", "3.0"), _HOLD_ONLY),
    ("LGPL", "GNU Lesser General Public License", ("2.1", "3.0"), _HOLD_ONLY),
    ("FDL", "GNU Free Documentation License", ("1.2", "1.3"), replace(_COPYLEFT, stream=False)),
)


def _listed() -> Iterator[tuple[Licence, tuple[str, ...]]]:
    for template, code, spdx, title, version, places in _TABLE:
        addresses = tuple(places.split())
        yield _named(template, code, spdx, title, version, addresses[0]), addresses


def _gnu() -> Iterator[tuple[Licence, tuple[str, ...]]]:
    for short, title, versions, template in _GNU:
        for version in versions:
            name = f"{'GFDL' if short == 'FDL' else short}-{version}"
            place = f"gnu.org/licenses/old-licenses/{short.lower()}-{version}"
            newer = f"gnu.org/licenses/{short.lower()}-{version}"
            addresses = [f"{base}{end}" for base in (newer, place) for end in (".html", ".txt", "", ".en.html")]
            if short != "FDL":
                addresses.append(f"creativecommons.org/licenses/{short}/{version}")
            yield _named(template, name, f"{name}-only", f"{title} {version}", version, addresses[0]), tuple(addresses)


def _named(template: Licence, code: str, spdx: str, title: str, version: str, address: str) -> Licence:
    return replace(template, code=code, spdx=spdx, title=title, version=version, uri=f"https://{address}")


_ALL = (*_listed(), *_gnu())

LICENCES: tuple[Licence, ...] = tuple(licence for licence, _ in _ALL)

#: Host and path, without scheme, ``www.`` and last slash, to licence.
ADDRESSES: Mapping[str, Licence] = {address: licence for licence, places in _ALL for address in places}

#: SPDX identifiers that name a licence which has another one already.
SPDX_ALIASES: Mapping[str, str] = {f"{licence.code}-or-later": licence.code for licence, _ in _gnu()} | {
    "GFDL-1.2-no-invariants-only": "GFDL-1.2",
    "GFDL-1.3-no-invariants-only": "GFDL-1.3",
}
