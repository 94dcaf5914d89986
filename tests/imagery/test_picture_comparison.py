"""Pictures that show the same, and pictures that only look alike to a hash."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from pipelines.imagery.picture_comparison import appearance_of, confirm_group, show_the_same

CASES = Path(__file__).parents[3] / "shared" / "cases" / "imagery"


def photograph(seed: int) -> Image.Image:
    """Soft blobs of colour and a sharp grid, different for each seed."""
    image = Image.new("RGB", (320, 240), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    for number in range(12):
        x, y = (seed * 97 + number * 61) % 300, (seed * 41 + number * 83) % 220
        colour = ((seed * 50 + number * 31) % 256, (number * 57) % 256, (seed * 20 + number * 17) % 256)
        draw.ellipse((x, y, x + 30 + 7 * (number % 5), y + 40), fill=colour)
    for x in range(0, 320, 8):
        draw.line((x, 200, x, 239), fill=(250, 250, 240))
    return image


def compress_again(image: Image.Image) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=40)
    return Image.open(stream)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": compress_again,
    "smaller": lambda image: image.resize((160, 120)),
    "grey": lambda image: image.convert("L"),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


def store(image: Image.Image, path: Path) -> Path:
    image.save(path, "PNG")
    return path


@pytest.mark.parametrize("name", COPIES)
def test_copies_show_the_same_and_the_original_is_the_best(name: str, tmp_path: Path) -> None:
    copy = store(COPIES[name](photograph(1)), tmp_path / "copy")
    original = store(photograph(1), tmp_path / "original")
    other = store(photograph(2), tmp_path / "other")

    assert confirm_group([copy, other, original], [True] * 3) in ([[2, 0]], [[0, 2]])
    if name in ("smaller", "blurred"):
        assert confirm_group([copy, other, original], [True] * 3) == [[2, 0]]
    assert confirm_group([copy, original], [True, False]) == [[0, 1]]  # what is valid goes first


def test_pictures_that_a_hash_confuses_differ_by_their_pixels(tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (64, 64), colour) for colour in ("#c02020", "#2040c0"))
    digits = []
    for text in ("3", "8"):
        image = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(image).text((16, 4), text, fill="black", font_size=48)
        digits.append(image)
    disc, square = (Image.new("RGB", (64, 64), "white") for _ in range(2))
    ImageDraw.Draw(disc).ellipse((12, 12, 52, 52), fill="#208040")
    ImageDraw.Draw(square).rectangle((12, 12, 52, 52), fill="#208040")
    for one, other in ((red, blue), (*digits,), (disc, square)):
        looks = [appearance_of(store(image, tmp_path / f"{n}")) for n, image in enumerate((one, other))]
        assert looks[0] is not None
        assert looks[1] is not None
        assert not show_the_same(looks[0], looks[1])


def test_a_file_without_a_picture_is_in_no_group(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"nothing")
    picture = store(photograph(1), tmp_path / "one")
    assert confirm_group([tmp_path / "broken", None, picture, picture], [True] * 4) == [[2, 3]]


@pytest.mark.skipif(not CASES.exists(), reason="the collection of cases is not here")
def test_pictures_that_went_wrong() -> None:
    assert confirm_group([CASES / f"flat_{number}.png" for number in range(3)], [True] * 3) == []
    assert confirm_group([CASES / "a_blurred.jpg", CASES / "b_sharp.jpg"], [True] * 2) == [[1, 0]]
