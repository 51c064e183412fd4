"""Bytes as evidence: a folder, a bag, a torrent's copy beside its metainfo, of which as much is read as is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from phonolith.audit.claims import Claim
from phonolith.audit.exhibits import Exhibit, Given, Looked
from phonolith.audit.payload.account import PLAIN, RULE, Account
from phonolith.audit.payload.estimate import Estimate
from phonolith.audit.payload.listing import Listing, is_copy, is_folder, list_payload
from phonolith.audit.payload.looks import Looks
from phonolith.audit.payload.plan import Plan, plan, totals
from phonolith.audit.payload.run import carry_out
from phonolith.audit.procedures import slice_of
from phonolith.audit.torrents import described, facts_of
from phonolith.audit.verdicts import Word, judge
from phonolith.errors import BadInput
from phonolith.model.finding import Finding

__all__ = ["is_copy", "is_folder", "look"]

_BY_NAME = ("tracks", "images")
_SETTLED = (Word.REFUTED, Word.SAMPLED, Word.PROVEN)


def look(told: Looked, given: Given, claims: Sequence[Claim]) -> None:
    """Add what bytes show of the claims. Raises StorageError; what is wrong with them is a finding."""
    effort = told.effort
    listing = list_payload(given.path)
    about = [claim for claim in claims if claim.procedure == ""]  # others count in something else
    seed, seed_from = _seed(told, listing, about)
    chosen = plan(listing, about, effort.share(), seed, plain=effort.until_settled)

    def estimate(chosen: Plan, looks: Looks) -> Estimate:
        source = str(given.path)
        return Estimate(listing, chosen, looks, source, given.of, given.whole, effort.until_settled)

    def settled(looks: Looks) -> bool:
        shown = list(estimate(chosen, looks).facts())
        return all(judge(claim, shown).word in _SETTLED for claim in about)

    stop = settled if effort.until_settled and about and not totals(about) else None
    done = carry_out(chosen, listing.items, told.progress, stop, effort.hear)
    effort.spend(done.read)
    chosen = replace(chosen, everything=chosen.everything and not done.stopped)
    account = Account(listing, chosen, done, seed_from, PLAIN if effort.until_settled else RULE)
    found = list(estimate(chosen, done.looks).facts())
    for claim in about:
        told.facts[claim.id] += found
    _described(told, listing, given, claims)
    told.findings += [*listing.findings, *account.findings()]
    size = sum(item.size or 0 for item in listing.items)
    sound = described(listing.torrents) if listing.torrents else None
    told.exhibits.append(Exhibit(given, listing.kind, listing.digest, size, sound, account.data()))


def _described(told: Looked, listing: Listing, given: Given, claims: Sequence[Claim]) -> None:
    """What the metainfo beside a copy lists, which proves what is claimed of the list itself.

    Of what is there it tells files and bytes; kinds go by their bytes, where these are at hand, and not by names.
    """
    if not listing.torrents:
        return
    whole, sound = given.whole and listing.complete, described(listing.torrents)
    for claim in claims:
        listed = slice_of(claim) is not None
        if not listed and claim.procedure:
            continue
        try:
            shown = facts_of(claim, sound, str(given.path), whole=whole)
        except BadInput as error:
            told.findings.append(Finding(error.code, error.subject, error.problem, error.remedy))
            continue
        told.facts[claim.id] += [fact for fact in shown if listed or fact.dimension not in _BY_NAME]


def _seed(told: Looked, listing: Listing, claims: Sequence[Claim]) -> tuple[str, str]:
    """The seed, and where it is from."""
    if told.effort.seed:
        return told.effort.seed, "--seed"
    named = {claim.seed: claim for claim in reversed(claims) if claim.seed}
    if len(named) > 1:
        problem = f"claims about it name {len(named)} seeds; the first one's was taken"
        told.findings.append(Finding("evidence.seed", str(listing.root), problem, "Give one with --seed"))
    for claim in claims:
        if claim.seed:
            return claim.seed, f"claim {claim.id}"
    return listing.digest, "the digest of the list, since nobody named one"
