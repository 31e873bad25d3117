"""Draws what was measured: one group of bars for each series."""

import json
from html import escape
from pathlib import Path

WIDTH, BAR, LABEL = 720, 22, 170
_STYLE = "text{font:13px system-ui,sans-serif;fill:#555}.t{font-weight:600;fill:#222}rect{fill:#0f766e}"


def draw(source: Path, target: Path) -> None:
    """Write the chart of the series in *source* as SVG."""
    parts, top = [], 10
    for name, points in json.loads(source.read_text())["series"].items():
        parts.append(f'<text class="t" x="0" y="{top + 14}">{escape(name)}</text>')
        top += 26
        scale = (WIDTH - LABEL - 80) / max(points.values())
        for label, value in points.items():
            width = max(1.0, value * scale)
            parts.append(
                f'<text x="0" y="{top + 15}">{escape(label)}</text>'
                f'<rect x="{LABEL}" y="{top + 3}" width="{width:.1f}" height="{BAR - 8}" rx="2"/>'
                f'<text x="{LABEL + width + 8:.1f}" y="{top + 15}">{value:.3g}</text>'
            )
            top += BAR
        top += 14
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 {WIDTH + 20} {top}" role="img"><title>Measured</title>'
    )
    paper = f'<rect x="-10" width="{WIDTH + 20}" height="{top}" style="fill:#fff"/>'
    target.write_text(f"{head}<style>{_STYLE}</style>{paper}{''.join(parts)}</svg>\n")
