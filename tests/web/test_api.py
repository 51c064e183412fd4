"""The JSON API does what its own description says, on anything that schemathesis thinks of."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import unsupported_method

from phonolith.library.publications import bundles
from phonolith.releases.publish import published
from phonolith.web.api import OPERATIONS, ROOT
from tests.web.conftest import Served

SAMPLES = {
    "tracks": "track:road/1",
    "releases": "release:road",
    "artists": "artist:quiet",
    "labels": "label:hungaria",
    "things": "thing:road",
}


@pytest.mark.parametrize("path", [one.path for one in OPERATIONS])
def test_answers_are_as_described(served: Served, path: str) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", served.client.app)
    operation = schema[ROOT + path]["GET"]

    @given(operation.as_strategy())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        if "id" in case.path_parameters and len(case.path_parameters["id"]) == 16:
            case.path_parameters["id"] = served.ids[SAMPLES[path.split("/")[1]]]  # else nothing would ever be found
        if "name" in case.path_parameters and len(case.path_parameters["name"]) % 2:
            case.path_parameters["name"] = next(iter(bundles(published(served.archive))))
        if "since" in case.query and case.query["since"] % 2:
            case.query["since"] = served.archive.log().heads()[0].size
        case.call_and_validate(excluded_checks=[unsupported_method])  # TRACE never reaches an application

    holds()


def test_the_description_names_every_operation(served: Served) -> None:
    told = served.client.get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(told["paths"]) == {ROOT + one.path for one in OPERATIONS}


def test_no_answer_names_a_row_number(served: Served) -> None:
    page = served.client.get(f"/api/v1/tracks/{served.ids['track:road/1']}").json()
    assert page["page"]["track"]["id"] == served.ids["track:road/1"]
    assert page["attribution"].startswith("“Departure” by The Quiet Machines")
    assert page["playable"][0]["type"] == "audio/wav"


def test_a_list_comes_in_pieces_without_gaps_or_repeats(served: Served) -> None:
    seen: list[str] = []
    after = ""
    while after is not None:
        address = f"/api/v1/search?limit=7&after={after}"
        answer = served.client.get(address).json()
        seen += [track["id"] for track in answer["tracks"]]
        after = answer["next"]
    assert len(seen) == len(set(seen)) == 50


def test_a_draw_follows_its_seed(served: Served) -> None:
    first, again, other = (
        served.client.get(f"/api/v1/shuffle?seed={seed}&playable=true").json() for seed in ("a", "a", "b")
    )
    assert first == again != other
    assert len(first["queue"]) == len(first["tracks"]) == 20
