"""Rules about the look and the shape of an image."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.errors import Invalid
from core.image_rules import ValidationRules
from pipelines.imagery.quality_checks import find_issues
from resolvers.imagery.validation import validate_rules

NOISE = np.random.default_rng(1).integers(60, 200, (240, 320, 3), np.uint8)
PHOTOGRAPH = Image.fromarray(NOISE).filter(ImageFilter.GaussianBlur(3))


def jpeg(image: Image.Image, **options: int) -> bytes:
    """The image as a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def issues(folder: Path, content: bytes | Image.Image, rules: ValidationRules) -> tuple[str, ...]:
    """Issue codes of an image by these rules."""
    path = folder / "image"
    path.write_bytes(content if isinstance(content, bytes) else jpeg(content))
    return find_issues(path, rules)


@pytest.mark.parametrize(
    ("image", "rules", "expected"),
    [
        (PHOTOGRAPH, ValidationRules(max_side=320), ()),
        (PHOTOGRAPH, ValidationRules(max_side=319), ("oversized",)),
        (PHOTOGRAPH, ValidationRules(min_aspect_ratio=4 / 3, max_aspect_ratio=4 / 3), ()),
        (PHOTOGRAPH, ValidationRules(max_aspect_ratio=1.3), ("aspect_ratio",)),
        (PHOTOGRAPH.rotate(90, expand=True), ValidationRules(min_aspect_ratio=1), ("aspect_ratio",)),
        (PHOTOGRAPH, ValidationRules(min_brightness=40, max_brightness=215), ()),
        (PHOTOGRAPH.point(lambda level: level // 5), ValidationRules(min_brightness=40), ("dark",)),
        (PHOTOGRAPH.point(lambda level: 230 + level // 20), ValidationRules(max_brightness=215), ("bright",)),
        (PHOTOGRAPH, ValidationRules(max_clipped_share=0.05), ()),
        (PHOTOGRAPH.point(lambda level: level * 3), ValidationRules(max_clipped_share=0.05), ("clipped",)),
        (
            PHOTOGRAPH.point(lambda level: max(0, level - 140)),
            ValidationRules(max_clipped_share=0.05, min_brightness=40),
            ("dark", "clipped"),
        ),
        (PHOTOGRAPH, ValidationRules(refuse_cut=True), ()),
        (Image.new("RGB", (320, 240), (128, 128, 128)), ValidationRules(refuse_cut=True), ()),
    ],
)
def test_each_rule_names_what_it_finds(
    tmp_path: Path, image: Image.Image, rules: ValidationRules, expected: tuple[str, ...]
) -> None:
    assert issues(tmp_path, image, rules) == expected


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_picture_that_was_cut_off_is_found_also_after_it_was_saved_again(
    tmp_path: Path, share: float
) -> None:
    whole = jpeg(PHOTOGRAPH)
    cut = whole[: int(len(whole) * share)].rstrip(b"\xff") + b"\xff\xd9"
    with Image.open(io.BytesIO(cut)) as filled:
        again = jpeg(filled.convert("RGB"))

    rules = ValidationRules(refuse_cut=True)

    assert issues(tmp_path, cut, rules) == issues(tmp_path, again, rules) == ("cut",)
    assert issues(tmp_path, cut, ValidationRules()) == ()


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({"min_width": 200, "max_side": 100}, "minWidth"),
        ({"min_aspect_ratio": 2.0, "max_aspect_ratio": 1.0}, "minAspectRatio"),
        ({"min_brightness": 200.0, "max_brightness": 100.0}, "minBrightness"),
        ({"max_clipped_share": 1.5}, "maxClippedShare"),
        ({"max_brightness": 256.0}, "maxBrightness"),
    ],
)
def test_rules_that_no_image_can_meet_are_refused(rules: dict[str, float], name: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_rules(rules)
    assert refused.value.path == ("input", "rules", name)
