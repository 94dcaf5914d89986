"""Narrative of a report, by a template or by the configured chat model."""

from collections.abc import Mapping
from typing import Any

from core.ports import AnswerEnd, ChatModel, ChatRequest
from pipelines.chat.generation import collect_reply
from pipelines.insights.report_steps import PLAN_NAMES

MAX_TOKENS = 900
INSTRUCTIONS = (
    "You write for a company's board. Put the figures you are given into three short paragraphs: what is "
    "recommended and why, what it costs and reaches year by year, what would change it. Use only these "
    "figures, name no others, and give no advice beyond them."
)
TEMPLATE_NOTE = "This text was written from the report's figures by a template, without a language model."


def render_template(inputs: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The narrative by the template."""
    profile, decision, years = inputs["profile"], data["decision"], data["roadmap"]["years"]
    last, case = years[-1], data["sensitivity"]
    already = last["existing_kwh"] / last["demand_kwh"]
    parts = [f"what is renewable already ({100 * already:.0f} %)"] if already > 0.005 else []
    parts += [
        f"{source['name'].lower()} ({100 * last['energy_kwh'][source['code']] / last['demand_kwh']:.0f} %)"
        for source in inputs["sources"]
        if last["energy_kwh"].get(source["code"], 0) > 0.005 * last["demand_kwh"]
    ]
    mix = ", ".join(parts)
    target = f"a renewable share of {100 * decision['target_share']:.0f} % by {profile['target_year']}"
    first = (
        f"The company ({profile['industry']}, {profile['location']}) wants {target} with a yearly "
        f"energy budget of {profile['budget']:,.0f}. "
        f"The recommended plan, “{PLAN_NAMES[decision['plan']]}”, reaches "
        f"{100 * decision['reached_share']:.1f} %."
    )
    first += f" {decision['summary']}"
    if decision["budget_needed"] > 0:
        first += f" With {decision['budget_needed']:,.0f} more in the dearest year, it would be served."
    second = (
        f"In {last['year']} the consumption of {last['demand_kwh']:,.0f} kWh is covered by {mix}. It costs "
        f"{last['cost']:,.0f} that year, which leaves {last['budget_left']:,.0f} of the budget. "
        f"{data['roadmap']['summary']}"
    )
    third = " ".join(part["summary"] for part in (data["money"], data["emissions"], case, data["confidence"]))
    if inputs["consumption"]:
        third += " From past consumption: " + " ".join(inputs["consumption"]["insights"])
    return "\n\n".join([first, second, third, TEMPLATE_NOTE])


async def write_narrative(
    model: ChatModel, inputs: Mapping[str, Any], data: Mapping[str, Any]
) -> tuple[str, AnswerEnd]:
    """The narrative by a chat model. Raises `ModelFailure`."""
    question = (
        f"Write the text of this report.\n\n{render_template(inputs, data).removesuffix(TEMPLATE_NOTE)}"
    )
    request = ChatRequest(
        question, instructions=INSTRUCTIONS, temperature=0.2, max_tokens=MAX_TOKENS, requires_sources=False
    )
    reply = await collect_reply(model, request)
    return reply.text.strip(), reply.end
