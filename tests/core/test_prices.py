"""What models cost: known prices, an installation's own, and files that cannot be used."""

from pathlib import Path

import pytest

from core.prices import read_prices
from core.settings import SettingsError, load_settings


def test_a_cost_follows_from_the_tokens_read_and_written() -> None:
    prices = read_prices()

    assert prices.cost("gpt-4o-mini", 1_000_000, 500_000) == 0.45
    assert prices.cost("gpt-4o-mini-2024-07-18", 12, 3) == 0.0000036
    assert prices.cost("text-embedding-3-small", 1) == 0.00000002
    assert prices.cost("all-MiniLM-L6-v2-onnx-int8", 1_000) == 0
    assert prices.cost("nobody's", 1_000) is None


def test_an_installation_has_prices_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[own]\n"gpt-4o-mini" = { prompt = 1, completion = 2 }\n"mine" = { prompt = 3 }\n')

    prices = load_settings({"model_prices": file}).prices

    assert [prices.cost(model, 1_000_000, 1_000_000) for model in ("gpt-4o-mini", "mine", "gpt-4o")] == [
        3,
        3,
        12.5,
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[own", "is not TOML"),
        ("[own]\nmine = { prompt = -1 }\n", "own.mine.prompt: input should be greater than or equal to 0"),
        ("[own]\nmine = 3\n", "own.mine"),
        ("[own]\nmine = { prompt = nan }\n", "own.mine.prompt"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, content: str | None, fault: str
) -> None:
    file = tmp_path / "prices.toml"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError) as refused:
        load_settings({"model_prices": file})

    assert str(refused.value).startswith("MODEL_PRICES: ")
    assert fault in str(refused.value)
    assert "\n" not in str(refused.value)


def test_pieces_repeat_less_than_half_of_themselves() -> None:
    with pytest.raises(SettingsError, match="CHUNK_OVERLAP"):
        load_settings({"chunk_tokens": 100, "chunk_overlap": 50})
