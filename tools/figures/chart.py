# SPDX-License-Identifier: MIT
"""A small drawing of charts and diagrams as SVG text, with the standard library alone.

Every picture has a white background, one font, the colours below and coordinates with one decimal,
so that the same program always writes the same file.
"""

from html import escape

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#c1272d", "#8e5ea2", "#666666"
INK, FAINT = "#222222", "#cccccc"
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


def number(value):
    """Coordinates of a file: one decimal, without a zero behind the point."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts, self.markers, self.clips = [], {}, 0

    def add(self, part):
        self.parts.append(part)

    def arrow_head(self, color):
        return f"url(#{self.markers.setdefault(color, 'arrow' + str(len(self.markers)))})"

    def path(self, points, color=INK, width=1.5, dash=None, fill="none", arrow=False, clip=None,
             opacity=None, closed=False):
        steps = "".join(("M" if k == 0 else "L") + number(x) + " " + number(y)
                        for k, (x, y) in enumerate(points))
        more = f' stroke-dasharray="{dash}"' if dash else ""
        more += f' marker-end="{self.arrow_head(color)}"' if arrow else ""
        more += f' clip-path="url(#{clip})"' if clip else ""
        more += f' fill-opacity="{opacity}"' if opacity else ""
        stroke = f'stroke="{color}" stroke-width="{width}"' if width else 'stroke="none"'
        self.add(f'<path d="{steps}{"Z" if closed else ""}" fill="{fill}" {stroke}{more}/>')

    def dots(self, points, color, size=2.4, opacity=1):
        """Many points in one path: strokes of length 0 with round ends."""
        steps = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
        self.add(f'<path d="{steps}" stroke="{color}" stroke-width="{size}" stroke-linecap="round"'
                 f' stroke-opacity="{opacity}"/>')

    def circle(self, x, y, radius, color, fill="white", width=1.5):
        self.add(f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius}" fill="{fill}" '
                 f'stroke="{color}" stroke-width="{width}"/>')

    def box(self, x, y, width, height, color=INK, fill="white", line=1, radius=0):
        self.add(f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" '
                 f'height="{number(height)}" rx="{radius}" fill="{fill}" stroke="{color}" '
                 f'stroke-width="{line}"/>')

    def text(self, x, y, text, color=INK, size=12, anchor="start", bold=False, turn=None,
             halo=False):
        more = ' font-weight="bold"' if bold else ""
        more += f' transform="rotate({turn} {number(x)} {number(y)})"' if turn else ""
        more += ' paint-order="stroke" stroke="white" stroke-width="3"' if halo else ""
        more += f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.add(f'<text x="{number(x)}" y="{number(y)}" fill="{color}" font-size="{size}"{more}>'
                 f"{escape(text)}</text>")

    def svg(self):
        markers = "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse">'
            f'<path d="M0 0L8 4L0 8Z" fill="{color}"/></marker>\n'
            for color, name in self.markers.items())
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                f'font-family="{FONT}" role="img">\n<title>{escape(self.title)}</title>\n'
                f"<defs>\n{markers}</defs>\n"
                f'<rect width="{self.width}" height="{self.height}" fill="white"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


class Panel:
    """One pair of axes inside a picture."""

    def __init__(self, picture, x, y, width, height, xlim, ylim, title="", xlabel="", ylabel="",
                 xticks=(), yticks=(), frame=True):
        self.picture, self.x, self.y, self.width, self.height = picture, x, y, width, height
        self.xlim, self.ylim = xlim, ylim
        picture.clips += 1
        self.clip = f"clip{picture.clips}"
        picture.add(f'<clipPath id="{self.clip}"><rect x="{number(x)}" y="{number(y)}" '
                    f'width="{number(width)}" height="{number(height)}"/></clipPath>')
        for value in xticks:
            place = self.at(value, ylim[0])[0]
            picture.path([(place, y), (place, y + height)], FAINT, 0.6)
            picture.text(place, y + height + 14, self.label(value), size=10.5, anchor="middle")
        for value in yticks:
            place = self.at(xlim[0], value)[1]
            picture.path([(x, place), (x + width, place)], FAINT, 0.6)
            picture.text(x - 5, place + 3.5, self.label(value), size=10.5, anchor="end")
        if frame:
            picture.box(x, y, width, height, INK, "none", 0.8)
        if title:
            picture.text(x + width / 2, y - 8, title, anchor="middle", bold=True, size=12)
        if xlabel:
            picture.text(x + width / 2, y + height + 30, xlabel, anchor="middle", size=11.5)
        if ylabel:
            picture.text(x - 36, y + height / 2, ylabel, anchor="middle", size=11.5, turn=-90)

    @staticmethod
    def label(value):
        return value[1] if isinstance(value, tuple) else f"{value:g}".replace("-", "−")

    def at(self, x, y):
        x, y = (v[0] if isinstance(v, tuple) else v for v in (x, y))
        return (self.x + (x - self.xlim[0]) / (self.xlim[1] - self.xlim[0]) * self.width,
                self.y + self.height - (y - self.ylim[0]) / (self.ylim[1] - self.ylim[0]) * self.height)

    def line(self, xs, ys, color=BLUE, width=2, dash=None, arrow=False):
        """A curve; it is interrupted where a value is None or beyond three heights of the panel."""
        height = self.ylim[1] - self.ylim[0]
        piece = []
        for x, y in list(zip(xs, ys)) + [(0, None)]:
            if y is None or y != y or not self.ylim[0] - 3 * height <= y <= self.ylim[1] + 3 * height:
                if len(piece) > 1:
                    self.picture.path(piece, color, width, dash, arrow=arrow, clip=self.clip)
                piece = []
            else:
                piece.append(self.at(x, y))

    def area(self, xs, ys, color, opacity=0.25):
        points = [self.at(xs[0], 0)] + [self.at(x, y) for x, y in zip(xs, ys)] + [self.at(xs[-1], 0)]
        self.picture.path(points, color, 0, fill=color, opacity=opacity, clip=self.clip, closed=True)

    def dots(self, points, color, size=2.4, opacity=1):
        self.picture.dots([self.at(x, y) for x, y in points], color, size, opacity)

    def mark(self, x, y, color, radius=4, fill="white"):
        self.picture.circle(*self.at(x, y), radius, color, fill)

    def arrow(self, start, end, color=INK, width=1.5, dash=None):
        self.picture.path([self.at(*start), self.at(*end)], color, width, dash, arrow=True)

    def segment(self, start, end, color=GREY, width=1, dash="3 3"):
        self.picture.path([self.at(*start), self.at(*end)], color, width, dash, clip=self.clip)

    def text(self, x, y, text, color=INK, dx=0, dy=0, **more):
        px, py = self.at(x, y)
        self.picture.text(px + dx, py + dy, text, color, **{"size": 11, "halo": True, **more})


def grid(low, high, steps):
    return [low + (high - low) * k / steps for k in range(steps + 1)]
