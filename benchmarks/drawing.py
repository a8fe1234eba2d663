"""Pictures of measurements as small SVG files: bars with a line over them on one scale, which needs no more than this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import ceil
from xml.sax.saxutils import escape

from tests.meter.memory_meter import Units
from tests.retail.figures import Month
from tests.retail.tiers import THRESHOLDS, MembersByTier

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 34
EARNED, REDEEMED, EXPIRED, BALANCE, INK = "#3b7a57", "#c9a227", "#c0563b", "#35507a", "#57606a"


def year_of_points(months: Sequence[Month]) -> str:
    """Points outstanding at the end of each month as a line; earned, redeemed if any were and expired as bars; one scale."""
    y = _Scale(max(max(month.closing, month.earn) for month in months))
    colours = {"earned": EARNED, "redeemed": REDEEMED, "expired": EXPIRED}
    if not any(month.redeem for month in months):
        del colours["redeemed"]
    width = 0.72 / len(colours)
    slot = (WIDTH - LEFT - RIGHT) / len(months)
    parts = y.grid(lambda points: f"{points / 1_000_000:g} M" if points else "0")
    for index, month in enumerate(months):
        left = LEFT + index * slot
        moved = {"earned": month.earn, "redeemed": month.redeem, "expired": month.expire}
        for place, (what, colour) in enumerate(colours.items()):
            if points := moved[what]:
                parts.append(
                    _bar(left + (0.14 + place * width) * slot, y(points), slot * (width - 0.02), y(0) - y(points), colour)
                )
        if month.month.endswith(("-01", "-04", "-07", "-10")):
            parts.append(_text(left + slot / 2, HEIGHT - BOTTOM + 18, month.month, anchor="middle"))
    parts.append(_line([(LEFT + (index + 0.5) * slot, y(month.closing)) for index, month in enumerate(months)], BALANCE))
    parts += _legend({"outstanding at the end of the month": BALANCE, **colours})
    return _svg("Points of a grocer's members over two years", parts)


def members_by_tier(days: Mapping[date, MembersByTier]) -> str:
    """A bar for each day, its members stacked from the lowest tier up."""
    y = _Scale(max(found.members for found in days.values()))
    colours = dict(zip(THRESHOLDS, ("#a97142", "#9aa5b1", REDEEMED, BALANCE), strict=True))
    parts = y.grid(lambda members: f"{members:,}")
    slot = (WIDTH - LEFT - RIGHT) / len(days)
    for index, (day, found) in enumerate(days.items()):
        left, below = LEFT + (index + 0.25) * slot, 0
        for tier, colour in colours.items():
            count = getattr(found, tier)
            parts.append(_bar(left, y(below + count), slot / 2, y(0) - y(count), colour))
            below += count
        parts.append(_text(left + slot / 4, HEIGHT - BOTTOM + 18, str(day), anchor="middle"))
    parts += _legend(colours)
    return _svg("Members by tier, of the spend of 365 days", parts)


def sizes_of_wallets(sizes: Mapping[str, Sequence[int]]) -> str:
    """Wallets in bytes, smallest to largest, one line for each program, with one write unit's kilobyte across."""
    y = _Scale(max(max(ordered) for ordered in sizes.values()))
    colours = dict(zip(sizes, (BALANCE, EARNED, EXPIRED), strict=False))
    parts = y.grid(lambda size: f"{size:,} B" if size else "0")
    width = WIDTH - LEFT - RIGHT
    for program, ordered in sizes.items():
        percents = [ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in range(101)]
        points = [(LEFT + width * percent / 100, y(size)) for percent, size in enumerate(percents)]
        parts.append(_line(points, colours[program]))
    parts.append(_line([(LEFT, y(1024)), (WIDTH - RIGHT, y(1024))], INK, dashed=True))
    parts += [
        _text(LEFT + width * percent / 100, HEIGHT - BOTTOM + 18, f"{percent} %", anchor="middle")
        for percent in (0, 25, 50, 75, 100)
    ]
    parts += _legend({**colours, "one kilobyte": INK})
    return _svg("Wallets at the end of the year, smallest to largest", parts)


def growth_of_rules(costs: Mapping[int, tuple[float, float]]) -> str:
    """CPU of an earn and of its rules, by the number of rules, each step as wide as the one before."""
    y = _Scale(ceil(max(whole for whole, _ in costs.values())))
    parts = y.grid(lambda microseconds: f"{microseconds / 1_000:g} ms" if microseconds else "0")
    step = (WIDTH - LEFT - RIGHT) / len(costs)
    lines: dict[str, list[tuple[float, float]]] = {"an earn": [], "its rules": []}
    for index, (rules, found) in enumerate(costs.items()):
        x = LEFT + (index + 0.5) * step
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{rules:,} rule{'s' * (rules > 1)}", anchor="middle"))
        for line, cost in zip(lines.values(), found, strict=True):
            line.append((x, y(round(cost))))
    colours = dict(zip(lines, (BALANCE, EXPIRED), strict=True))
    parts += [_line(points, colours[what]) for what, points in lines.items()]
    parts += _legend(colours)
    return _svg("CPU of an earn by the number of rules", parts)


def units_of_mornings(mornings: Mapping[int, Units]) -> str:
    """What the sweep of a morning asks for, by the number of members: bars that ought to be of one height."""
    named = {"read units": "read_units", "write units": "write_units", "those of indexes": "index_write_units"}
    y = _Scale(ceil(max(getattr(units, name) for units in mornings.values() for name in named.values())))
    colours = dict(zip(named, (BALANCE, EARNED, REDEEMED), strict=True))
    parts = y.grid(lambda units: f"{units:,}")
    slot = (WIDTH - LEFT - RIGHT) / len(mornings)
    for index, (members, units) in enumerate(mornings.items()):
        left = LEFT + index * slot
        for place, (what, name) in enumerate(named.items()):
            height = y(0) - y(round(getattr(units, name)))
            parts.append(_bar(left + (0.14 + place * 0.24) * slot, y(0) - height, slot * 0.22, height, colours[what]))
        parts.append(_text(left + slot / 2, HEIGHT - BOTTOM + 18, f"{members:,} members", anchor="middle"))
    parts += _legend(colours)
    return _svg("Units of a morning on which 1,000 members are due", parts)


class _Scale:
    """Heights in the picture for values from 0 to `top`."""

    def __init__(self, top: int) -> None:
        self._top = top

    def __call__(self, value: int) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self._top

    def grid(self, label: Callable[[int], str]) -> list[str]:
        """A line and a label at about five round values."""
        return [_gridline(self(value), label(value)) for value in _ticks(self._top)]


def _ticks(top: int) -> list[int]:
    """About five round numbers from 0 up to `top`."""
    step = 10 ** (len(str(top)) - 1)
    while top / step < 4:
        step //= 2
    return list(range(0, top + 1, step))


def _svg(title: str, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", ground, *parts, "</svg>", ""])


def _gridline(y: float, label: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>'
    return line + _text(LEFT - 8, y + 4, label, anchor="end")


def _line(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts, x = [], LEFT
    for label, colour in colours.items():
        parts += [_bar(x, 16, 12, 12, colour), _text(x + 18, 27, label)]
        x += 44 + 7 * len(label)
    return parts


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'
