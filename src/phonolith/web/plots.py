"""Plots as SVG elements of the page itself: no script, no inline style, and the same numbers beside them as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _FOOT, _HEAD = 1000, 270, 26, 20
_NARROW = 40.0
_WIDEST = 64.0  # of one column: a few are not stretched over the whole width
_SLIM = 340  # the narrowest drawing, which a phone shows whole


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its number, the page it leads to ("" for none) and its share in words ("" for none)."""

    label: str
    value: int
    href: str = ""
    share: str = ""


def columns(bars: Sequence[Bar], title: str, *, label_every: int = 1) -> Markup:
    """Upright columns on one axis, the highest with its number; ``label_every`` n-th column is named below.

    The drawing is an image with the title as its name to assistive technology: the numbers are in the table that the
    page puts beside it. Columns that lead to a page are links.
    """
    if not bars:
        return Markup("")
    top = max(bar.value for bar in bars) or 1
    step = min(_WIDEST, _WIDTH / len(bars))
    width = min(_WIDTH, max(_SLIM, round(step * len(bars))))
    size = f'viewBox="0 0 {width} {_HEIGHT}"' + (f' width="{width}" height="{_HEIGHT}"' if width < _WIDTH else "")
    drawn = "".join(_column(bar, at, step, top, label_every) for at, bar in enumerate(bars))
    name = escape(title)
    role = "group" if any(bar.href for bar in bars) else "img"
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg class="plot{" few" if width < _WIDTH else ""}" {size} role="{role}" aria-label="{name}">'
        f'<line class="top" x1="0" x2="{width}" y1="{_HEAD}" y2="{_HEAD}"/>'
        f'<text y="{_HEAD - 6}" aria-hidden="true">{_number(top)}</text>'
        f'{drawn}<line class="axis" x1="0" x2="{width}" y1="{_HEIGHT - _FOOT}" y2="{_HEIGHT - _FOOT}"/></svg>'
    )


def _column(bar: Bar, at: int, step: float, top: int, label_every: int) -> str:
    room = _HEIGHT - _FOOT - _HEAD
    height = max(2.0 if bar.value else 0.0, room * bar.value / top)
    gap = min(6.0, step * 0.18)
    name = escape(f"{bar.label}: {_number(bar.value)}")
    shape = (
        f'<rect class="bar" x="{at * step + gap / 2:.1f}" y="{_HEIGHT - _FOOT - height:.1f}" '
        f'width="{step - gap:.1f}" height="{height:.1f}"><title>{name}</title></rect>'
    )
    if bar.href:
        hit = f'<rect class="hit" x="{at * step:.1f}" y="0" width="{step:.1f}" height="{_HEIGHT - _FOOT}"/>'
        shape = f'<a href="{escape(bar.href)}" aria-label="{name}">{hit}{shape}</a>'
    if at % label_every:
        return shape
    clipped = at == 0 and step < _NARROW  # a centred name would begin outside the drawing
    x, anchor = (gap / 2, "start") if clipped else (at * step + step / 2, "middle")
    place = f'x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}"'
    return f'{shape}<text {place} aria-hidden="true">{escape(bar.label)}</text>'


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def with_shares(bars: Sequence[Bar]) -> list[Bar]:
    """The bars with each one's share of the sum, in per cent."""
    total = sum(bar.value for bar in bars) or 1
    return [Bar(bar.label, bar.value, bar.href, _percent(bar.value / total)) for bar in bars]


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1\u202f%"
    return f"{100 * share:.1f}\u202f%"
