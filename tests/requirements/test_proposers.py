"""The embedded proposer, without a database: looks, contrasts, names, quotations."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from db.models import ComponentType, RequirementCategory, RequirementOrigin
from pipelines.requirements import classification, design_analysis, llm_proposals, proposers, similarity
from pipelines.requirements.evidence import description_sentences
from pipelines.requirements.pattern_library import load_patterns
from pipelines.requirements.visual_rules import classify_design
from resolvers.requirements.proposals import normalize_key
from resolvers.requirements.review import confidence_level
from schema.framework.context import Services
from tests.requirements import sample_designs


def test_the_library_knows_ten_components_and_the_their_standards() -> None:
    assert set(load_patterns()) == set(ComponentType)
    for pattern in load_patterns().values():
        assert all(len(pattern.items[kind]) >= 2 for kind in RequirementCategory)
        keys = [[normalize_key(item.name) for item in pattern.items[kind]] for kind in RequirementCategory]
        assert all(len(set(each)) == len(each) for each in keys)
        for item in pattern.items[RequirementCategory.ACCESSIBILITY]:
            assert item.requirement
            assert (item.source or "").startswith(("WAI-ARIA 1.2", "ARIA Authoring", "WCAG 2.2", "HTML"))


@pytest.mark.parametrize("kind", sample_designs.DESIGNS)
def test_a_drawn_component_is_known_by_its_looks(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "design.png"
    sample_designs.DESIGNS[kind]().save(path)

    found = design_analysis.analyze_design(path)

    assert classify_design(found)[0] == kind
    assert classify_design(found)[1] <= 0.85
    assert design_analysis.Design.deserialize(found.serialize()) == found


def with_an_icon() -> Image.Image:
    """A button with a mark before its text."""
    image = sample_designs.button()
    ImageDraw.Draw(image).ellipse((74, 57, 92, 75), fill="white")
    return image


@pytest.mark.parametrize(
    ("design_of", "kind"),
    [
        (sample_designs.button, "button"),
        (with_an_icon, "button"),
        (lambda: ImageOps.invert(sample_designs.switch()), "switch"),
        (lambda: sample_designs.alert().resize((1520, 260)), "alert"),
    ],
    ids=["compressed", "with an icon", "on black", "twice as large"],
)
def test_a_component_is_known_however_it_is_shown(
    tmp_path: Path, design_of: Callable[[], Image.Image], kind: str
) -> None:
    path = tmp_path / "design.jpg"
    design_of().save(path, quality=60)

    assert classify_design(design_analysis.analyze_design(path))[0] == kind


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((255, 255, 255), (255, 255, 255), 1.0),
        ((119, 119, 119), (255, 255, 255), 4.48),
        ((118, 118, 118), (255, 255, 255), 4.54),
        ((255, 0, 0), (255, 255, 255), 4.0),
    ],
)
def test_contrast_is_that_of_the_standard(
    one: design_analysis.Colour, other: design_analysis.Colour, ratio: float
) -> None:
    assert design_analysis.contrast_ratio(one, other) == pytest.approx(ratio, abs=0.005)
    assert design_analysis.contrast_ratio(other, one) == design_analysis.contrast_ratio(one, other)


@pytest.mark.parametrize(
    ("text", "kind", "confidence"),
    [
        ("A primary button.", ComponentType.BUTTON, 0.97),
        ("An alert banner with a close button.", ComponentType.ALERT, 0.9),
        ("Radio buttons for shipping: let users select one.", ComponentType.RADIO, 0.9),
        ("A card with a title, a picture and two buttons.", ComponentType.CARD, 0.9),
        ("Drop-downs, in which people find a country by typing.", ComponentType.SELECT, 0.97),
    ],
)
def test_a_component_is_known_by_its_name(text: str, kind: ComponentType, confidence: float) -> None:
    found = classification.classify_by_name(description_sentences(text), "The description")

    assert found is not None
    assert (found.type, found.confidence) == (kind, confidence)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("People can turn dark mode on or off at once.", ComponentType.SWITCH),
        ("Something to type an email address into.", ComponentType.INPUT),
    ],
)
async def test_a_component_is_known_by_what_it_does(
    services: Services, text: str, kind: ComponentType
) -> None:
    found = await classification.classify(
        services.embedders.default.embed, description_sentences(text), None, []
    )

    assert (found.type, found.confidence < 0.7) == (kind, True)


def test_words_that_few_texts_have_tell_most() -> None:
    assert similarity.bm25_shares(
        "spinner while loading", ["a loading state", "loading with a spinner", "size"]
    ) == [
        pytest.approx(0.3, abs=0.15),
        1.0,
        0.0,
    ]
    assert similarity.bm25_shares("nothing", ["size"]) == [0.0]


async def proposals_of(services: Services, text: str, kind: RequirementCategory) -> dict[str, float]:
    pattern = load_patterns()[ComponentType.BUTTON]
    embed = services.embedders.default.embed
    found = await proposers.propose(kind, pattern, description_sentences(text), None, embed)
    return {each.name: each.confidence for each in found}


async def test_what_is_denied_is_not_proposed(services: Services) -> None:
    said = "A button without an icon. It never shows a spinner and cannot be disabled."

    assert not {"icon", "loading", "disabled"} & set(
        await proposals_of(services, said, RequirementCategory.PROPS)
    )


async def test_what_is_named_outright_is_proposed_though_no_pattern_has_it(services: Services) -> None:
    said = (
        "The button has a property `elevation`, a dormant state, fires onLongPress, sets aria-keyshortcuts."
    )

    assert "elevation" in await proposals_of(services, said, RequirementCategory.PROPS)
    assert "onLongPress" in await proposals_of(services, said, RequirementCategory.EVENTS)
    assert "dormant" in await proposals_of(services, said, RequirementCategory.STATES)
    assert "aria-keyshortcuts" in await proposals_of(services, said, RequirementCategory.ACCESSIBILITY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"requirements": [{}]}',
        '{"requirements": [], "more": 1}',
        '{"requirements": [{"name": "a", "confidence": "0.5", "rationale": "b"}]}',
        '{"requirements": [{"name": " ", "confidence": 0.5, "rationale": "b"}]}',
        f'{{"requirements": [{{"name": "{"x" * 201}", "confidence": 0.5, "rationale": "b"}}]}}',
    ],
)
def test_an_answer_of_another_form_is_no_proposal(text: str) -> None:
    with pytest.raises(llm_proposals.MalformedResponse):
        llm_proposals.parse_suggestions(text, "tiny", RequirementCategory.PROPS)


def test_an_answer_of_the_right_form_is() -> None:
    text = '{"requirements": [{"name": "name", "confidence": 1, "rationale": "r", "description": "Say it."}]}'

    (found,) = llm_proposals.parse_suggestions(text, "tiny", RequirementCategory.ACCESSIBILITY)

    assert (found.requirement, found.origin, found.confidence) == ("Say it.", RequirementOrigin.MODEL, 1.0)


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(1.0, "high"), (0.9, "high"), (0.89, "medium"), (0.7, "medium"), (0.69, "low")],
)
def test_levels_of_confidence(confidence: float, expected: str) -> None:
    assert confidence_level(confidence) == expected


@pytest.mark.parametrize(
    ("name", "key"), [("onClick", "on-click"), ("Aria Busy", "aria-busy"), ("größe", "gr-e")]
)
def test_names_that_differ_in_writing_alone_are_one(name: str, key: str) -> None:
    assert normalize_key(name) == key
