from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.drawings import overlay
from pipelines.drawings.overlay import Colours


def test_each_kind_of_ink_has_its_colour(tmp_path: Path) -> None:
    old, new = np.full((300, 4000), 255, np.uint8), np.full((300, 4000), 255, np.uint8)
    old[:, :1000] = new[:, 500:1500] = 0
    colours = Colours(removed=(200, 10, 20), added=(30, 210, 40), common=(50, 60, 70))

    overlay.write_overlay(old, new, tmp_path / "full.png", tmp_path / "small.png", colours)

    full = Image.open(tmp_path / "full.png").convert("RGB")
    small = Image.open(tmp_path / "small.png").convert("RGB")
    assert (full.size, small.size) == ((4000, 300), (2000, 150))
    for picture, scale in ((full, 1), (small, 2)):
        pixels = [picture.getpixel((x // scale, 20)) for x in (100, 700, 1200, 3000)]
        assert pixels == [(200, 10, 20), (50, 60, 70), (30, 210, 40), (255, 255, 255)]


def test_half_tones_are_between_paper_and_ink(tmp_path: Path) -> None:
    old, new = np.full((100, 100), 0x88, np.uint8), np.full((100, 100), 255, np.uint8)

    overlay.write_overlay(
        old, new, tmp_path / "full.png", tmp_path / "small.png", Colours(removed=(255, 0, 0))
    )

    assert Image.open(tmp_path / "full.png").convert("RGB").getpixel((50, 50)) == (255, 136, 136)
