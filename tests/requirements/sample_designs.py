"""Designs, drawn: one of each type of component."""

from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

Drawing = tuple[Image.Image, ImageDraw.ImageDraw]


def blank(width: int, height: int) -> Drawing:
    """White paper."""
    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image)


def says(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, colour: str, anchor: str = "lm") -> None:
    """Text in letters of 22 pixels."""
    draw.text(at, text, fill=colour, font=ImageFont.load_default(22), anchor=anchor)


def button(fill: str = "#2563eb") -> Image.Image:
    image, draw = blank(320, 140)
    draw.rounded_rectangle((60, 40, 260, 92), 8, fill=fill)
    says(draw, (160, 66), "Save changes", "white", "mm")
    return image


def text_input() -> Image.Image:
    image, draw = blank(500, 140)
    draw.rounded_rectangle((40, 40, 460, 92), 6, outline="#888888", width=2)
    says(draw, (56, 66), "Email address", "#666666")
    return image


def select() -> Image.Image:
    image, draw = blank(500, 140)
    draw.rounded_rectangle((40, 40, 460, 92), 6, outline="#888888", width=2)
    says(draw, (56, 66), "Choose a country", "#333333")
    draw.line((425, 60, 435, 72, 445, 60), fill="#333333", width=3)
    return image


def checkbox() -> Image.Image:
    image, draw = blank(360, 100)
    draw.rectangle((40, 38, 64, 62), outline="#333333", width=2)
    says(draw, (80, 50), "I agree to the terms", "#222222")
    return image


def radio() -> Image.Image:
    image, draw = blank(320, 100)
    draw.ellipse((40, 38, 64, 62), outline="#333333", width=2)
    says(draw, (80, 50), "Pay by invoice", "#222222")
    return image


def switch() -> Image.Image:
    image, draw = blank(320, 100)
    draw.rounded_rectangle((40, 36, 92, 64), 14, fill="#22aa55")
    draw.ellipse((66, 38, 90, 62), fill="white")
    says(draw, (110, 50), "Send me news", "#222222")
    return image


def tabs() -> Image.Image:
    image, draw = blank(600, 100)
    for number, text in enumerate(("Overview", "Members", "Billing")):
        says(draw, (40 + number * 170, 40), text, "#222222")
    draw.line((40, 70, 560, 70), fill="#cccccc", width=2)
    draw.line((40, 70, 140, 70), fill="#2563eb", width=4)
    return image


def badge() -> Image.Image:
    image, draw = blank(200, 80)
    draw.rounded_rectangle((60, 24, 140, 54), 15, fill="#16703c")
    says(draw, (100, 39), "Active", "white", "mm")
    return image


def alert() -> Image.Image:
    image, draw = blank(760, 130)
    draw.rounded_rectangle((30, 30, 730, 100), 8, fill="#fde8e8")
    draw.ellipse((50, 50, 80, 80), fill="#c81e1e")
    says(draw, (100, 65), "Your payment could not be processed.", "#7a1212")
    return image


def card() -> Image.Image:
    image, draw = blank(420, 360)
    draw.rounded_rectangle((40, 30, 380, 330), 12, outline="#bbbbbb", width=2)
    draw.rectangle((42, 40, 378, 160), fill="#88aacc")
    says(draw, (60, 190), "Weekend in Basel", "#111111")
    says(draw, (60, 230), "Two nights, breakfast", "#444444")
    says(draw, (60, 290), "Read more", "#2563eb")
    return image


DESIGNS: dict[str, Callable[[], Image.Image]] = {
    "button": button,
    "card": card,
    "input": text_input,
    "select": select,
    "checkbox": checkbox,
    "radio": radio,
    "switch": switch,
    "tabs": tabs,
    "badge": badge,
    "alert": alert,
}


def file(image: Image.Image, format: str = "PNG") -> bytes:
    """The picture as a file."""
    written = BytesIO()
    image.save(written, format)
    return written.getvalue()
