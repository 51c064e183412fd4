"""The pages of labels, release groups and works as a browser gets them."""

from __future__ import annotations

from tests.web.conftest import Served


def _page(served: Served, kind: str, name: str) -> str:
    answer = served.client.get(f"/{kind}/{served.ids[name]}")
    assert answer.status_code == 200
    return answer.text


def test_a_label_page_shows_country_founding_aliases_and_links(served: Served) -> None:
    page = _page(served, "label", "label:hungaria")
    for text in ("Original Production · HU · since March 1940", "Hungária", "1234", ">Budapest</bdi></a>"):
        assert text in page
    assert f'href="/thing/{served.ids["thing:budapest"]}"' in page
    assert "<i>HR</i>" not in page, "text of a source is text"


def test_a_release_leads_to_its_group_and_back(served: Served) -> None:
    page = _page(served, "release", "release:road")
    assert f'href="/thing/{served.ids["thing:road"]}"' in page and "Album, 17 May 2004" in page
    group = _page(served, "thing", "thing:road")
    assert "Release group" in group and "first released 17 May 2004" in group
    for edition in ("release:road", "release:road-2014"):
        assert f'href="/release/{served.ids[edition]}"' in group


def test_a_track_leads_to_its_work_and_back(served: Served) -> None:
    assert f'href="/thing/{served.ids["thing:quartet"]}"' in _page(served, "track", "track:quartets/1")
    work = _page(served, "thing", "thing:quartet")
    assert f'href="/track/{served.ids["track:quartets/2"]}"' in work
    assert f'href="/artist/{served.ids["artist:bela"]}"' in work


def test_programs_get_the_same(served: Served) -> None:
    group = served.client.get(f"/api/v1/releases/{served.ids['release:road']}").json()["group"]
    answer = served.client.get(f"/api/v1/things/{group['id']}").json()
    assert answer["about"]["kind"] == "release-group" and len(answer["releases"]["items"]) == 2
    assert served.client.get(f"/api/v1/things/{'a' * 16}").status_code == 404
    label = served.client.get(f"/api/v1/labels/{served.ids['label:hungaria']}").json()
    assert label["about"]["country"] == "HU"
    assert label["links"][0]["to"] == {"kind": "thing", "id": served.ids["thing:budapest"], "name": "Budapest"}
