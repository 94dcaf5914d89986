"""Demo rows of component requirements: proposals and exports."""

from db.models import ComponentType, ProposalStage, RequirementExport, RequirementProposal
from server.demo.draft import Draft

COMPONENTS = ("Button", "Card", "Input", "Select", "Tabs", "Badge", "Alert")


def requirements(draft: Draft) -> None:
    """Unreviewed proposals, and exports of reviewed ones."""
    for _, at in draft.each(RequirementProposal):
        kind = draft.one(list(ComponentType))
        draft.add(
            RequirementProposal,
            at,
            user_id=draft.person(),
            description=f"A {kind.value} for the settings page.",
            component_type=kind,
            stage=draft.one((ProposalStage.COMPLETE, ProposalStage.FAILED, ProposalStage.ANALYZING)),
            proposal_latency_ms=draft.random.randrange(800, 15_000),
            created_at=at,
            updated_at=at,
        )
    for _, at in draft.each(RequirementExport):
        props = [{"name": name, "type": "string", "approved": True} for name in ("label", "size")]
        props[0]["edited"] = edited = draft.chance(0.3)
        states = [{"name": "hover", "type": "boolean", "approved": draft.chance(0.8), "custom": True}]
        draft.add(
            RequirementExport,
            at,
            user_id=draft.person(),
            component_type=draft.one(COMPONENTS),
            requirements={"props": props, "events": [], "states": states, "accessibility": []},
            approved_count=2 + bool(states[0]["approved"]),
            edited_count=int(edited),
            custom_added_count=1,
            proposal_latency_ms=draft.random.randrange(800, 15_000),
            used_in_pattern_retrieval=draft.chance(0.5),
            created_at=at,
            updated_at=at,
        )
