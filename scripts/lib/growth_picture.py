"""Draws panels of lines as one SVG, for light and dark pages."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT, GAP = 300, 200, 76
LEFT, TOP, LEGEND = 52, 44, 22
COLOURS = ("ours", "ours-two", "other", "limit")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .axis { stroke: #59636e; stroke-width: 1; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  .ours { stroke: #0550ae; fill: #0550ae; } .ours-two { stroke: #1a7f37; fill: #1a7f37; }
  .other { stroke: #bc4c00; fill: #bc4c00; } .limit { stroke: #59636e; fill: #59636e; stroke-dasharray: 5 4; }
  polyline { fill: none !important; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .axis { stroke: #9198a1; } .grid { stroke: #3d444d; }
    .ours { stroke: #79c0ff; fill: #79c0ff; } .ours-two { stroke: #7ee787; fill: #7ee787; }
    .other { stroke: #ffa657; fill: #ffa657; } .limit { stroke: #9198a1; fill: #9198a1; }
  }
"""


def draw(panels):
    """Return the picture of panels side by side: {title, note, sizes, lines: [{name, values}]}, values in milliseconds."""
    deepest = max(len(panel["lines"]) for panel in panels)
    width = LEFT + len(panels) * (WIDTH + GAP)
    height = TOP + HEIGHT + 40 + deepest * LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
        "<title id=\"title\">Time of a plan against the number of minors, images and stacks</title>",
        f"<style>{STYLE}</style>",
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({LEFT + number * (WIDTH + GAP)} {TOP})">')
        parts += panel_parts(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def panel_parts(panel):
    """Return the parts of one panel; its origin is the upper left corner of the plot."""
    sizes = panel["sizes"]
    highest = round_up(max(value for line in panel["lines"] for value in line["values"]))
    parts = [
        f'<text class="title" x="0" y="-26">{escape(panel["title"])}</text>',
        f'<text x="0" y="-10">{escape(panel["note"])}</text>',
    ]
    for step in range(5):
        y = HEIGHT - HEIGHT * step / 4
        parts.append(f'<line class="grid" x1="0" y1="{y:.0f}" x2="{WIDTH}" y2="{y:.0f}"/>')
        parts.append(f'<text x="-6" y="{y + 4:.0f}" text-anchor="end">{told(highest * step / 4)}</text>')
    for size in sizes:
        parts.append(f'<text x="{place(size, sizes):.0f}" y="{HEIGHT + 18}" text-anchor="middle">{size:,}</text>')
    parts.append(f'<line class="axis" x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>')
    for number, line in enumerate(panel["lines"]):
        colour = "limit" if line["name"].startswith("limit") else COLOURS[number]
        points = [(place(size, sizes), HEIGHT - HEIGHT * value / highest) for size, value in zip(sizes, line["values"])]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {colour}" points="{joined}"/>')
        parts += [f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points]
        y = HEIGHT + 40 + number * LEGEND
        parts.append(f'<line class="line {colour}" x1="0" y1="{y - 4}" x2="24" y2="{y - 4}"/>')
        parts.append(f'<text x="32" y="{y}">{escape(line["name"])}</text>')
    return parts


def place(size, sizes):
    """Return where a size stands: both axes are linear, so that a straight line means growth in proportion."""
    return WIDTH * size / max(sizes)


def round_up(value):
    """Return the next value that four steps divide well."""
    unit = 4
    while True:
        for factor in (1, 2, 5):
            if unit * factor >= value:
                return unit * factor
        unit *= 10


def told(milliseconds):
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"
