"""The embedded proposer, without a database: looks, contrasts, names, quotations."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from core.working_folders import working_folder
from db.models import ComponentType, RequirementCategory, RequirementOrigin
from pipelines.requirements import classification, design_analysis, llm_proposals, proposers, similarity
from pipelines.requirements.evidence import description_sentences
from pipelines.requirements.pattern_library import load_patterns
from pipelines.requirements.visual_rules import classify_design
from resolvers.requirements.proposals import RequirementDraft, normalize_key
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
    assert classify_design(found)[1] < classification.MIN_CONFIDENCE
    assert design_analysis.Design.deserialize(found.serialize()) == found


def design_of(image: Image.Image) -> design_analysis.Design:
    """The analysis of an image."""
    with working_folder() as folder:
        path = Path(folder) / "design.png"
        image.save(path)
        return design_analysis.analyze_design(path)


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


CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "components"


@pytest.mark.parametrize(
    "name",
    [
        *("03-semantic-button", "11-semantic-input", "16-bootstrap-checkbox"),
        *("19-bootstrap-radio", "22-bootstrap-switch", "30-bulma-badge"),
    ],
)
def test_a_rendered_component_is_never_classified_wrongly_with_confidence(name: str) -> None:
    path = CASES / f"{name}.png"
    if not path.exists():
        pytest.skip(f"{path} is missing")

    kind, confidence, _ = classify_design(design_analysis.analyze_design(path))

    assert kind == name.split("-")[-1] or confidence < classification.MIN_CONFIDENCE


async def test_words_on_a_picture_are_labels_and_no_statements(services: Services) -> None:
    image, draw = sample_designs.blank(460, 140)
    draw.rounded_rectangle((60, 40, 400, 92), 8, fill="#2563eb")
    line = design_analysis.Line("Open disabled menu onLongPress", (80, 50, 300, 30), "#fff", "#000", 9.0)
    design = design_analysis.Design(**{**vars(design_of(image)), "lines": (line,)})
    pattern, embed = load_patterns()[ComponentType.BUTTON], services.embedders.default.embed

    found = {
        kind: {
            item.name: item
            for item in await proposers.propose(
                kind, pattern, proposers.design_sentences(design), design, embed
            )
        }
        for kind in RequirementCategory
    }

    assert found[RequirementCategory.STATES]["disabled"].origin is RequirementOrigin.PATTERN_LIBRARY
    assert found[RequirementCategory.PROPS]["label"].origin is RequirementOrigin.DESIGN
    assert "onLongPress" not in found[RequirementCategory.EVENTS]


async def test_values_that_nobody_said_are_not_said(services: Services) -> None:
    pattern, embed = load_patterns()[ComponentType.BUTTON], services.embedders.default.embed

    async def size_of(text: str) -> RequirementDraft:
        sentences = description_sentences(text)
        found = await proposers.propose(RequirementCategory.PROPS, pattern, sentences, None, embed)
        return next(item for item in found if item.name == "size")

    unsaid, one, all_said = [
        await size_of(text)
        for text in ("A button with a size.", "A button of size small.", "A button. Size: big, huge.")
    ]

    assert (unsaid.origin, unsaid.values) == (RequirementOrigin.DESCRIPTION, ())
    assert "Typical values, by the pattern library: " in (unsaid.description or "")
    assert (one.values, all_said.values) == (("small",), ("big", "huge"))


async def test_what_rests_on_the_type_inherits_its_doubt_and_what_is_named_does_not(
    services: Services,
) -> None:
    pattern, embed = load_patterns()[ComponentType.BUTTON], services.embedders.default.embed
    said = description_sentences("The button can be disabled and fires onLongPress.")

    found = [
        draft
        for kind in (RequirementCategory.EVENTS, RequirementCategory.STATES)
        for draft in await proposers.propose(kind, pattern, said, None, embed)
    ]

    for draft in found:
        share = 1.0 if draft.name in ("onLongPress", "disabled") else 0.7
        assert proposers.with_doubt(draft, 0.7).confidence == pytest.approx(share * draft.confidence)


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
