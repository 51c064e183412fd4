"""Faults and power cuts over a whole harvest by the real program: what each leaves, and what going on makes of it.

    python -m tests.harvest.campaign [--faults 500] [--cuts 100] [--controls 10] [--seed N] [--jobs N]

Prints how many of each kind were lost, doubled or told badly, how many cuts the negative control noticed, and the
longest time until a harvest that goes on asks again. Ends with 1 where something was lost, doubled or told badly, or
the control noticed fewer than nine of ten.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.harvest.campaign.trial import Outcome
from tests.harvest.campaign.trials import CUTS, FAULTS, draw, noticed, share

_SHARE = 25  # trials that one process makes before another takes over
_MOST = 3_000  # characters of a problem
_HOW = ("by the clock", "of processor time")


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("faults", 500), ("cuts", 100), ("controls", 10), ("seed", 4), ("jobs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    trials = draw(given.faults, given.cuts, given.controls, given.seed)
    started, outcomes = time.monotonic(), list[Outcome]()
    size = max(1, min(_SHARE, -(-len(trials) // given.jobs)))
    shares = [trials[at : at + size] for at in range(0, len(trials), size)]
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(share, some) for some in shares]):
            outcomes += done.result()
            for one in done.result():
                for problem in [] if one.trial.deaf else one.problems:
                    _say(f"{one.trial} {one.struck}: {problem[:_MOST]}")
            _say(f"{len(outcomes)} of {len(trials)} trials, {time.monotonic() - started:.0f} s")
    sys.exit(0 if _report(outcomes) else 1)


def _report(outcomes: Sequence[Outcome]) -> bool:
    """Print the tables; whether all is well."""
    tried = [one for one in outcomes if not one.trial.deaf]
    controls = [one for one in outcomes if one.trial.deaf]
    for kind in dict.fromkeys((*FAULTS, *CUTS)):
        some = [one for one in tried if one.trial.kind == kind and not one.left_out]
        wrong = Counter(problem.partition(":")[0] for one in some for problem in one.problems)
        struck = sum(bool(one.struck) for one in some)
        words = ", ".join(f"{count} {what}" for what, count in wrong.items()) or "0 lost, 0 doubled, 0 told badly"
        _say(f"{kind:16} {len(some):4} tried, {struck:4} struck: {words}")
    for reason, count in Counter(one.left_out for one in outcomes if one.left_out).items():
        _say(f"{count} left out: {reason}")
    resumed = [one.resumed for one in tried if one.resumed is not None] or [(0.0, 0.0)]
    _say(f"control: {noticed(controls)} of {len(controls)} noticed")
    longest = [f"{max(some):.2f} s {how}" for some, how in zip(zip(*resumed, strict=True), _HOW, strict=True)]
    _say(f"until a process started anew asks again, {len(resumed)} measured, longest: {', '.join(longest)}")
    return not noticed(tried) and noticed(controls) * 10 >= len(controls) * 9


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main()
