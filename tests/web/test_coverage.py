"""The page of coverage says what each share is of, also where nothing is known."""

from __future__ import annotations

from tests.web.conftest import Served


def test_the_page_and_the_answer_come_and_about_leads_there(served: Served) -> None:
    page = served.client.get("/coverage")
    assert page.status_code == 200
    assert "Of no track it is known how popular it is" in page.text
    assert 'href="/coverage"' in served.client.get("/about").text
    said = served.client.get("/api/v1/coverage?by=label").json()
    assert said["by"] == "label"
    assert said["coverage"]["listening"] == []


def test_an_axis_that_there_is_not_is_refused(served: Served) -> None:
    assert served.client.get("/coverage?by=mood").status_code == 400
    assert served.client.get("/api/v1/coverage?by=mood").status_code == 400


def test_shares_are_told_with_what_they_are_of(served: Served) -> None:
    """A served sample has no stored coverage; every axis still answers."""
    for axis in ("year", "genre", "label", "licence", "source"):
        assert served.client.get(f"/coverage?by={axis}").status_code == 200
