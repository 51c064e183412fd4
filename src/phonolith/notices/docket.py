"""The notices of one archive as its register has them now, and what is due for each until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from phonolith.errors import NotFound
from phonolith.notices.practice import Practice
from phonolith.rights.decisions import Decisions
from phonolith.rights.notices import FOLLOWED, Due, Notice, State, crowd, due, why_person
from phonolith.rights.working_days import Calendar
from phonolith.store.archive import Archive
from phonolith.store.register import Register

_FOLDED = FOLLOWED | {"item.reinstated"}
_CHANGING = ("notice.hidden", "notice.restored")  # what a rule changes for visitors


@dataclass(slots=True)
class _Folded:
    decisions: Decisions = field(default_factory=Decisions)
    actionable: list[str] = field(default_factory=list)
    head: tuple[int, str] = (0, "")


class Docket:
    """What there is of notices. Safe to use from several threads and processes."""

    def __init__(self, archive: Archive, practice: Practice) -> None:
        self.archive = archive
        self.practice = practice
        self.calendar = Calendar(practice.territory)
        self._register: Register = archive.register()
        self._folded = _Folded()

    def notices(self) -> Mapping[str, Notice]:
        """Every notice that ever arrived, by id, as of now."""
        head = self._register.head()
        if head != self._folded.head:
            events = (one for one in self._register.events(self._folded.decisions.head) if one.kind in _FOLDED)
            decisions = self._folded.decisions.then(events)
            self._folded = _Folded(decisions, _actionable_at(decisions.notices.values()), head)
        return self._folded.decisions.notices

    def notice(self, identifier: str) -> Notice:
        """One notice. Raises NotFound."""
        found = self.notices().get(identifier)
        if found is None:
            raise NotFound(f"notice {identifier}", "there is none of that id", "phonolith notice list shows them all")
        return found

    def due(self, notice: Notice) -> Due | None:
        """What is due next for a notice, and until when."""
        found = due(notice, self.calendar, person=self.why_person(notice))
        if found is None or self.practice.rules or found.rule not in _CHANGING:
            return found
        return replace(found, rule="")  # a person has to do it

    def why_person(self, notice: Notice) -> str:
        """Why a person has to decide whether it hides anything; "" where the rule may, after its pause."""
        if notice.state is not State.ACTIONABLE:
            return ""
        if not self.practice.rules:
            return "notices.rules is off"
        if any(one.kind == "notice.reopened" for one in notice.steps):
            return "it was rejected before"
        self.notices()
        return why_person(notice, crowd(notice, self._folded.actionable), self.practice.calm)


def _actionable_at(notices: Iterable[Notice]) -> list[str]:
    """When notices became ones that could be acted on, in order."""
    return sorted(one.time for notice in notices for one in notice.steps if one.state is State.ACTIONABLE)
