"""Prices of model tokens."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

DEFAULT_PRICES = Path(__file__).with_name("prices.toml")
MILLION = 1_000_000
COST_DECIMALS = 9
"""Decimals of a cost in dollars, enough for one token of the cheapest model."""
DATE_SUFFIX = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


class Price(BaseModel):
    """Price in US dollars per million prompt and completion tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(default=0, ge=0, allow_inf_nan=False)


PRICE_TABLES = TypeAdapter(dict[str, dict[str, Price]])


@dataclass(frozen=True)
class Prices:
    """Prices by model name."""

    by_model: Mapping[str, Price]

    def cost(self, model: str, prompt_tokens: int, completion_tokens: int = 0) -> float | None:
        """The cost in US dollars; None for a model without a price."""
        price = self.by_model.get(model) or self.by_model.get(DATE_SUFFIX.sub("", model))
        if price is None:
            return None
        dollars = prompt_tokens * price.prompt + completion_tokens * price.completion
        return round(dollars / MILLION, COST_DECIMALS)


def read_prices(*files: Path) -> Prices:
    """The default prices, overridden by those of the files in order.

    Raises `ValueError` with a one-line message for an unreadable or invalid file.
    """
    return Prices({name: price for file in (DEFAULT_PRICES, *files) for name, price in _entries(file)})


def _entries(file: Path) -> Iterator[tuple[str, Price]]:
    try:
        tables = PRICE_TABLES.validate_python(tomllib.loads(file.read_text()))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from error
    return ((name, price) for table in tables.values() for name, price in table.items())
