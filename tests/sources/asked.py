"""What stands in for the client where a source is tried: it is asked as the client is, and says what a test has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from phonolith.sources.client.answers import Answer, Limits, Manners, Validator


class Asked(ABC):
    """The part of the client that a source is given. ``kind`` is the media type of all answers."""

    kind = "application/json"

    @abstractmethod
    def told(self, url: str, headers: Mapping[str, str], manners: Manners | None, body: bytes | None) -> bytes:
        """What is answered."""

    async def get(
        self,
        url: str,
        *,
        manners: Manners | None = None,
        limits: Limits | None = None,
        validator: Validator | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        content = self.told(url, headers or {}, manners, body)
        return Answer(200, url, self.kind, "utf-8", content, len(content), Validator(), {})
