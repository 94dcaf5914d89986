"""Pictures of ten kinds for the benchmark of duplicates, and copies. Equal seeds give equal pictures."""

import math
import random
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

WORDS = [
    "harbour",
    "lease",
    "museum",
    "quarry",
    "orchard",
    "tariff",
    "meadow",
    "engine",
    "copper",
    "lantern",
    "ledger",
    "bridge",
    "signal",
    "window",
    "garden",
    "market",
    "winter",
    "copper",
    "timber",
    "village",
    "station",
    "anchor",
    "needle",
    "barrel",
    "silver",
    "canvas",
]
SYMBOLS = "★♠♥♦♣☀☂☎✈✉✂✔✖♫☺☯⚙⚡⚓⌂⌘⏏☁❄✿➤♜♞⚑⚖⚽☕⛄⛔✚❖▲◆●■"


def draw_text(image: Image.Image, at: tuple[float, float], text: str, size: int, fill: Any) -> None:
    """Write text with the built-in font."""
    ImageDraw.Draw(image).text(at, text, fill=fill, font=ImageFont.load_default(size))


def colour(seeded: random.Random, low: int = 0, high: int = 255) -> tuple[int, int, int]:
    """A random colour."""
    return (seeded.randint(low, high), seeded.randint(low, high), seeded.randint(low, high))


def two_colours(seeded: random.Random) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """A dark and a light colour, in random order, that a brighter copy does not clip."""
    pair = [colour(seeded, 10, 90), colour(seeded, 120, 200)]
    seeded.shuffle(pair)
    return pair[0], pair[1]


def photograph(seeded: random.Random, number: int) -> Image.Image:
    """A scene of soft light, a horizon, objects with texture, and grain."""
    noise = np.random.default_rng(seeded.randrange(2**32))
    size = (512, 384)
    light = Image.fromarray(noise.integers(40, 216, (4, 5, 3), dtype=np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(light)
    for _ in range(seeded.randint(8, 16)):
        x, y, r = seeded.randint(0, 512), seeded.randint(0, 384), seeded.randint(15, 90)
        shape = draw.ellipse if seeded.random() < 0.5 else draw.rectangle
        shape((x - r, y - r * seeded.uniform(0.4, 1), x + r, y + r), fill=colour(seeded))
    soft = light.filter(ImageFilter.GaussianBlur(1.5))
    grain = noise.normal(0, 8, (size[1], size[0], 1))
    return Image.fromarray(np.clip(np.asarray(soft, np.float32) + grain, 0, 255).astype(np.uint8))


def icon(seeded: random.Random, number: int) -> Image.Image:
    """A flat shape of a few parts on a plain ground."""
    image = Image.new("RGB", (96, 96), "white" if seeded.random() < 0.7 else colour(seeded, 200))
    draw, tint = ImageDraw.Draw(image), colour(seeded, 0, 140)
    for _ in range(seeded.randint(2, 4)):
        x, y = seeded.randint(8, 60), seeded.randint(8, 60)
        w, h = seeded.randint(12, 34), seeded.randint(12, 34)
        kind = seeded.choice(("ellipse", "rectangle", "polygon", "line", "arc"))
        if kind == "polygon":
            draw.polygon([(x, y + h), (x + w / 2, y), (x + w, y + h)], fill=tint)
        elif kind == "line":
            draw.line((x, y, x + w, y + h), fill=tint, width=seeded.randint(4, 9))
        elif kind == "arc":
            draw.arc((x, y, x + w, y + h), seeded.randint(0, 180), seeded.randint(200, 360), tint, width=6)
        else:
            getattr(draw, kind)((x, y, x + w, y + h), fill=tint)
    return image


def digit(seeded: random.Random, number: int) -> Image.Image:
    """One or two figures, as in sets of digits: 40 different numbers."""
    image = Image.new("L", (64, 64), 255 if number % 2 else 0).convert("RGB")
    draw_text(image, (8 if number > 9 else 18, 4), str(number), 44, "black" if number % 2 else "white")
    return image


def text_page(seeded: random.Random, number: int) -> Image.Image:
    """A page of the same layout as all others, with other words."""
    image = Image.new("RGB", (480, 640), "white")
    draw_text(image, (40, 30), " ".join(seeded.sample(WORDS, 3)).title(), 24, "black")
    for line in range(26):
        draw_text(image, (40, 80 + 20 * line), " ".join(seeded.choices(WORDS, k=8)), 13, (30, 30, 30))
    return image


def chart(seeded: random.Random, number: int) -> Image.Image:
    """Bars, a line or a pie with axes, a title and a legend."""
    image = Image.new("RGB", (480, 320), "white")
    draw = ImageDraw.Draw(image)
    draw_text(image, (150, 8), " ".join(seeded.sample(WORDS, 2)), 18, "black")
    draw.line((50, 40, 50, 280, 450, 280), fill="black", width=2)
    kind, tint = number % 3, colour(seeded, 30, 180)
    values = [seeded.randint(20, 220) for _ in range(10)]
    if kind == 0:
        for place, value in enumerate(values):
            draw.rectangle((60 + 38 * place, 280 - value, 88 + 38 * place, 279), fill=tint)
    elif kind == 1:
        draw.line([(60 + 42 * place, 280 - value) for place, value in enumerate(values)], fill=tint, width=4)
    else:
        start = 0.0
        for value in values[:5]:
            end = start + 360 * value / sum(values[:5])
            draw.pieslice((150, 50, 350, 250), start, end, fill=colour(seeded, 40, 220))
            start = end
    return image


def solid(seeded: random.Random, number: int) -> Image.Image:
    """One colour; 40 that differ clearly."""
    level = (30, 90, 150, 210)
    return Image.new(
        "RGB", (200, 160), (level[number % 4], level[number // 4 % 4], (20, 130, 240)[number // 16])
    )


def gradient(seeded: random.Random, number: int) -> Image.Image:
    """Two colours that flow into each other along an axis."""
    first, second = (np.array(shade, np.float32) for shade in two_colours(seeded))
    y, x = np.mgrid[0:200, 0:260].astype(np.float32) / 260
    angle = math.tau * number / 40
    share = np.cos(angle) * x + np.sin(angle) * y
    share = (share - share.min()) / (share.max() - share.min())
    return Image.fromarray((first + share[..., None] * (second - first)).astype(np.uint8))


def plan(seeded: random.Random, number: int) -> Image.Image:
    """A line drawing of rooms with doors and dimensions."""
    image = Image.new("RGB", (600, 450), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 40, 560, 410), outline="black", width=4)
    for _ in range(seeded.randint(5, 8)):
        x, y = seeded.randint(80, 520), seeded.randint(80, 370)
        line = (x, 40, x, y) if seeded.random() < 0.5 else (40, y, x, y)
        draw.line(line, fill="black", width=4)
        draw.arc((x - 20, y - 20, x + 20, y + 20), 0, 90, fill="black", width=2)
    for _ in range(6):
        draw_text(
            image,
            (seeded.randint(60, 480), seeded.randint(60, 380)),
            seeded.choice(WORDS).upper(),
            14,
            "black",
        )
    return image


def screen(seeded: random.Random, number: int) -> Image.Image:
    """A window with a bar, a menu and a list: the same frame, other contents."""
    image = Image.new("RGB", (560, 400), (245, 246, 248))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 560, 36), fill=(40, 60, 90))
    draw_text(image, (14, 8), " ".join(seeded.sample(WORDS, 2)).title(), 16, "white")
    for row in range(8):
        y = 52 + 42 * row
        draw.rectangle((150, y, 545, y + 34), fill="white", outline=(210, 214, 220))
        draw.ellipse((158, y + 5, 182, y + 29), fill=colour(seeded, 60, 220))
        draw_text(
            image, (192, y + 8), " ".join(seeded.choices(WORDS, k=seeded.randint(2, 6))), 14, (40, 40, 40)
        )
        draw_text(image, (14, y + 8), seeded.choice(WORDS), 13, (70, 80, 100))
    return image


def pattern(seeded: random.Random, number: int) -> Image.Image:
    """A texture that repeats: checks, stripes or dots of a size and two colours of its own."""
    step, (first, second) = seeded.randint(10, 42), two_colours(seeded)
    y, x = np.mgrid[0:256, 0:256]
    angle = math.tau * seeded.random()
    turned = np.cos(angle) * x + np.sin(angle) * y
    masks = (
        (turned // step % 2).astype(bool),
        ((x // step + y // step) % 2).astype(bool),
        (x % step - step / 2) ** 2 + (y % step - step / 2) ** 2 < (step / 3) ** 2,
    )
    return Image.fromarray(np.where(masks[number % 3][..., None], first, second).astype(np.uint8))


KINDS: Mapping[str, Callable[[random.Random, int], Image.Image]] = {
    "photographs": photograph,
    "icons": icon,
    "digits": digit,
    "text pages": text_page,
    "charts": chart,
    "solid colours": solid,
    "gradients": gradient,
    "plans": plan,
    "screens": screen,
    "patterns": pattern,
}


def recompress(image: Image.Image) -> Image.Image:
    """As a JPEG of low quality."""
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=45)
    return Image.open(file)


def add_watermark(image: Image.Image) -> Image.Image:
    """With a translucent line of text across the lower right."""
    layer = Image.new("RGBA", image.size)
    size = max(10, image.width // 14)
    draw_text(layer, (image.width * 0.45, image.height * 0.82), "© example", size, (255, 255, 255, 130))
    draw_text(layer, (image.width * 0.45 + 1, image.height * 0.82 + 1), "© example", size, (0, 0, 0, 90))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


COPIES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": recompress,
    "resized": lambda image: image.resize(
        (round(image.width * 0.6), round(image.height * 0.6)), Image.Resampling.LANCZOS
    ),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "watermarked": add_watermark,
}
OTHER_COLOURS = frozenset({"grey", "brightened", "watermarked"})
"""Copies that a solid colour has not: in another colour it is another picture."""


def photograph_crops(folder: Path, count: int) -> list[Image.Image]:
    """Parts of real photographs that do not overlap."""
    crops = []
    for path in sorted(folder.glob("*.*g")):
        with Image.open(path) as image:
            whole = image.convert("RGB")
        side = min(whole.size) // 2
        for x in range(0, whole.width - side + 1, side):
            crops += [whole.crop((x, y, x + side, y + side)) for y in range(0, whole.height - side + 1, side)]
    return crops[:count]


def pictures(folder: Path | None, series: int, each: int = 40) -> list[tuple[str, int, Image.Image]]:
    """Kind, number and picture of a series, as many of each kind; half of the photographs are real ones.

    Those, digits and solid colours are the same in every series, all others are new.
    """
    found = []
    real = photograph_crops(folder, each // 2) if folder is not None and folder.exists() else []
    for kind, make in KINDS.items():
        seed = kind if series == 1 else f"{kind} {series}"
        for number in range(each):
            is_real = kind == "photographs" and number < len(real)
            image = real[number] if is_real else make(random.Random(f"{seed} {number}"), number)
            found.append((kind, number, image))
    return found
