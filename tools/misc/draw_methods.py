"""Draw the parts of each method, as docs/en/figures/methods.yml describes them.

python tools/misc/draw_methods.py            # writes docs/en/figures/methods/<name>.svg
python tools/misc/draw_methods.py --check    # exit code 1 if a figure is not up to date
"""

import argparse
import textwrap
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import yaml

from mmvos.structures import atomic_path
from mmvos.utils import command_line

FIGURES = Path(__file__).resolve().parents[2] / 'docs' / 'en' / 'figures'
#: (fill, line) of each kind of box; legible on the figure's own light ground whatever the page's colours are
KINDS = dict(
    **{
        'in': ('#eceff1', '#607d8b'),
        'part': ('#d9f0ed', '#0b6b63'),
        'state': ('#fdf1d8', '#a86f12'),
        'out': ('#e0f0dc', '#3b7a2a'),
    }
)
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 156, 48, 44, 30, 18


def text_at(x: float, y: float, text: str, size: float = 11, anchor: str = 'start', family: str = 'sans-serif') -> str:
    """An element of text whose base line is at ``y``."""
    style = f'font-size="{size:g}" font-family="{family}" text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'


class Box(NamedTuple):
    """A part, in pixels of the figure; ``x``, ``y``: its upper left corner."""

    kind: str
    x: float
    y: float
    text: str
    code: str

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + WIDTH / 2, self.y + HEIGHT / 2

    def draw(self) -> str:
        fill, line = KINDS[self.kind]
        words = textwrap.wrap(self.text, 24)
        lines = [(word, 12.5, 'sans-serif') for word in words] + ([(self.code, 11, 'monospace')] if self.code else [])
        height = sum(size + 2.5 for _, size, _ in lines)
        parts = [
            f'<rect x="{self.x:g}" y="{self.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="{line}"/>'
        ]
        y = self.middle[1] - height / 2
        for text, size, family in lines:
            y += size
            parts.append(text_at(self.middle[0], y, text, size, 'middle', family))
            y += 2.5
        return '\n'.join(parts)


def draw(description: dict) -> str:
    """Text of the SVG of one method."""
    top = min(row for _, _, row, _, _ in description['boxes'].values())
    boxes = {
        name: Box(kind, MARGIN + column * (WIDTH + GAP_X), MARGIN + (row - top) * (HEIGHT + GAP_Y), text, code)
        for name, (kind, column, row, text, code) in description['boxes'].items()
    }
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    floor = max(box.y for box in boxes.values()) + HEIGHT
    arrows, back = [], 0
    for arrow in description['arrows']:
        ends, _, text = arrow.partition(': ')
        first, sign, last = ends.split(' ')
        if sign == '~':
            back += 1
            arrows.append(to_next_frame(boxes[first], boxes[last], floor + 14 * back, back))
        else:
            arrows.append(within_frame(boxes[first], boxes[last], text))
    height = floor + MARGIN + (14 * back + 16 if back else 0)
    if back:
        arrows.append(
            text_at(width - MARGIN, height - 8, f'dashed: to the next {description.get("next", "frame")}', anchor='end')
        )
    size = f'width="{width:g}" height="{height:g}"'
    return '\n'.join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {size}>',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#37474f"/></marker></defs>',
            f'<rect {size} rx="8" fill="#fbfcfc"/>',
            *arrows,
            *(box.draw() for box in boxes.values()),
            '</svg>\n',
        ]
    )


def within_frame(first: Box, last: Box, text: str) -> str:
    """An arrow to a box to the right, or above or below."""
    (x0, y0), (x1, y1) = first.middle, last.middle
    if first.x == last.x:
        side = 1 if y1 > y0 else -1
        path = f'M{x0:g} {y0 + side * HEIGHT / 2:g}L{x1:g} {y1 - side * HEIGHT / 2:g}'
    else:
        side = 1 if x1 > x0 else -1
        x0, x1 = x0 + side * WIDTH / 2, x1 - side * WIDTH / 2
        bend = (x0 + x1) / 2 if abs(x1 - x0) < 2 * GAP_X else x0 + side * GAP_X / 2
        path = f'M{x0:g} {y0:g}C{bend:g} {y0:g} {bend:g} {y1:g} {x1:g} {y1:g}'
    label = text_at((x0 + x1) / 2 + 6, (y0 + y1) / 2 + 4, text) if text else ''
    return f'<path d="{path}" fill="none" stroke="#37474f" stroke-width="1.3" marker-end="url(#tip)"/>{label}'


def to_next_frame(first: Box, last: Box, y: float, number: int) -> str:
    """A dashed arrow to a state: straight down, or back below all boxes."""
    if first.x == last.x and first.y < last.y:
        path = f'M{first.middle[0]:g} {first.y + HEIGHT:g}V{last.y - 1:g}'
    else:
        x0, x1 = first.x + WIDTH - 14 - 8 * number, last.x + 14 + 8 * number
        path = f'M{x0:g} {first.y + HEIGHT:g}V{y:g}H{x1:g}V{last.y + HEIGHT + 1:g}'
    return f'<path d="{path}" fill="none" stroke="#a86f12" stroke-width="1.3" stroke-dasharray="4 3" marker-end="url(#tip)"/>'


@command_line
def main() -> int:
    parser = argparse.ArgumentParser(description='Draw the parts of each method.')
    parser.add_argument('--check', action='store_true', help='only say whether the figures are up to date')
    args = parser.parse_args()
    stale = 0
    for name, description in yaml.safe_load((FIGURES / 'methods.yml').read_text(encoding='utf-8')).items():
        file, text = FIGURES / 'methods' / f'{name}.svg', draw(description)
        if args.check:
            stale += not file.exists() or file.read_text(encoding='utf-8') != text
            continue
        file.parent.mkdir(exist_ok=True)
        with atomic_path(file) as temporary:
            Path(temporary).write_text(text, encoding='utf-8')
    return int(stale > 0)


if __name__ == '__main__':
    raise SystemExit(main())
