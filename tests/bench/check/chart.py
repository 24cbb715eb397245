"""A small line chart as SVG, both axes logarithmic, so that a straight slope of one is *linear*."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 360, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 30, 64
_COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce")
Point = tuple[float, float]


class _Scale:
    """Maps values to pixels by their logarithm, between whole powers of ten."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self._first, self._last = first, last

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self._first + share * (self._last - self._first)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def svg(charts: Mapping[str, Mapping[str, Sequence[Point]]], across: str) -> str:
    """Return charts side by side.

    Args:
        charts: lines by chart title; a line is its points, all above zero, by its name.
        across: what the horizontal axes show.
    """
    drawn = (
        f'<g transform="translate({index * _WIDTH},0)">\n{_chart(title, lines, across)}\n</g>'
        for index, (title, lines) in enumerate(charts.items())
    )
    size = f'viewBox="0 0 {_WIDTH * len(charts)} {_HEIGHT}" width="{_WIDTH * len(charts)}" height="{_HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _chart(title: str, lines: Mapping[str, Sequence[Point]], across: str) -> str:
    points = [point for line in lines.values() for point in line]
    x = _Scale([point[0] for point in points], _LEFT, _WIDTH - _RIGHT)
    y = _Scale([point[1] for point in points], _HEIGHT - _BOTTOM, _TOP)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        _text(middle, 18, title, weight="bold"),
        _text(middle, _HEIGHT - _BOTTOM + 32, across),
        *_grid(x, y),
    ]
    for index, (name, line) in enumerate(lines.items()):
        parts += _line(name, [(x(across_), y(up)) for across_, up in line], index)
    return "\n".join(parts)


def _grid(x: _Scale, y: _Scale) -> list[str]:
    parts = []
    for tick in x.ticks():
        parts.append(_rule(x(tick), _TOP, x(tick), _HEIGHT - _BOTTOM))
        parts.append(_text(x(tick), _HEIGHT - _BOTTOM + 15, f"{tick:,g}"))
    for tick in y.ticks():
        parts.append(_rule(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick)))
        parts.append(_text(_LEFT - 5, y(tick) + 4, f"{tick:,g}", anchor="end"))
    return parts


def _line(name: str, points: Sequence[Point], index: int) -> list[str]:
    colour = _COLOURS[index % len(_COLOURS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    legend = _text(_LEFT, _HEIGHT - 22 + 14 * index, f"● {name}", anchor="start", colour=colour)
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots, legend]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#d4d4d8"/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", colour: str = "#27272a", weight: str = "normal"
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-weight="{weight}">{escape(text)}</text>'
