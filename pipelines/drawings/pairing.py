"""Pairing of a session's sheets: a comparison per pair, and a reason per sheet that stands alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from core.working_folders import working_folder
from db.models import Drawing, DrawingType, PairReason, SheetState
from db.uow import UnitOfWork
from pipelines.drawings.sheet_matching import SheetKey, SheetPairs
from pipelines.drawings.stored_sheets import StoredSheet, match_stored_sheets
from pipelines.runtime.handlers import Run
from resolvers.drawings import comparison_results

OTHER_REVISION = {DrawingType.OLD: "new", DrawingType.NEW: "old"}

MATCH_SECONDS = 120.0
"""Timeout of matching the sheets of two sets."""


@dataclass(slots=True)
class Sets:
    """The sheets of both sets that are matched, by page, and the sets with pages that failed."""

    by_page: dict[tuple[DrawingType, int], Drawing] = field(default_factory=dict)
    pinned: list[Drawing] = field(default_factory=list)
    """Sheets that a person has paired or separated, which are not matched."""
    incomplete: set[DrawingType] = field(default_factory=set)

    def keys(self, revision: DrawingType) -> list[SheetKey]:
        return [sheet_key(sheet) for (kind, _), sheet in self.by_page.items() if kind is revision]


async def pair_sheets(run: Run, session_id: UUID) -> None:
    """Create a comparison for each pair of sheets, and mark unmatched sheets. Idempotent."""
    async with run.read() as uow:
        sets = await read_sets(uow, session_id)
    pairing = await match(run, sets)
    async with run.write() as uow:
        await save(uow, session_id, sets, pairing)


async def read_sets(uow: UnitOfWork, session_id: UUID) -> Sets:
    """The rendered sheets, without those that a person has paired or separated."""
    sets = Sets()
    for sheet in await comparison_results.list_pages(uow, session_id):
        if sheet.state is SheetState.FAILED:
            sets.incomplete.add(sheet.drawing_type)
        elif sheet.is_pinned:
            sets.pinned.append(sheet)
        else:
            sets.by_page[sheet.drawing_type, sheet.page_number or 0] = sheet
    return sets


def sheet_key(sheet: Drawing) -> SheetKey:
    """The sheet's number as printed; `drawing_name` has a suffix where several sheets print the same."""
    found = (sheet.drawing_metadata or {})["sheetName"]
    name = found.get("number") or sheet.drawing_name or ""
    return SheetKey(sheet.page_number or 0, name, found["source"] != "fallback")


async def match(run: Run, sets: Sets) -> SheetPairs:
    """The pairs by number and content."""
    with working_folder() as name:
        folder = Path(name)
        files: dict[DrawingType, list[StoredSheet]] = {DrawingType.OLD: [], DrawingType.NEW: []}
        for (revision, page), sheet in sets.by_page.items():
            stem = f"{revision.value}_{page:04d}"
            thumbnail = await run.services.store.fetch(str(sheet.thumbnail_path), folder / f"{stem}.png")
            words = await run.services.store.fetch(str(sheet.words_path), folder / f"{stem}.json")
            files[revision].append(StoredSheet(sheet_key(sheet), thumbnail, words))
        return await run.cpu_within(
            MATCH_SECONDS, match_stored_sheets, files[DrawingType.OLD], files[DrawingType.NEW]
        )


async def save(uow: UnitOfWork, session_id: UUID, sets: Sets, pairing: SheetPairs) -> None:
    """Store the pairs, and why the other sheets stand alone."""
    pairs = await pair_pinned(uow, sets.pinned)
    for (before, after), made in zip(pairing.pairs, pairing.matches, strict=True):
        old, new = sets.by_page[DrawingType.OLD, before.page], sets.by_page[DrawingType.NEW, after.page]
        pairs[str(new.drawing_name)] = {
            "old_drawing_id": old.id,
            "new_drawing_id": new.id,
            "old_image_path": old.storage_path,
            "new_image_path": new.storage_path,
            "pair_reason": made.reason,
            "pair_confidence": made.confidence,
        }
        for sheet in (old, new):
            await comparison_results.set_page_state(
                uow, sheet.id, SheetState.COMPLETED, None, pair_reason=made.reason
            )
    await comparison_results.sync_comparisons(uow, session_id, pairs)
    for revision, unmatched, reasons, candidates in (
        (DrawingType.OLD, pairing.only_in_old, pairing.old_reasons, pairing.old_candidates),
        (DrawingType.NEW, pairing.only_in_new, pairing.new_reasons, pairing.new_candidates),
    ):
        other = OTHER_REVISION[revision]
        is_incomplete = any(kind is not revision for kind in sets.incomplete)
        for key in unmatched:
            sheet = sets.by_page[revision, key.page]
            reason = reasons.get(key.page, PairReason.UNCERTAIN)
            names = [str(sets_name(sets, revision, found)) for found in candidates.get(key.page, ())]
            text = explain(str(sheet.drawing_name), other, reason, names, is_incomplete=is_incomplete)
            await comparison_results.set_page_state(
                uow, sheet.id, SheetState.UNMATCHED, text, pair_reason=reason
            )


def sets_name(sets: Sets, revision: DrawingType, key: SheetKey) -> str | None:
    """The name of a sheet of the other revision."""
    other = DrawingType.NEW if revision is DrawingType.OLD else DrawingType.OLD
    return sets.by_page[other, key.page].drawing_name


def explain(
    name: str, other: str, reason: PairReason, candidates: Sequence[str], *, is_incomplete: bool
) -> str:
    """Why a sheet stands alone, for people."""
    if reason is PairReason.UNCERTAIN:
        like = f": {', '.join(candidates)}" if candidates else ""
        return f"It is not certain which sheet of the {other} set {name} belongs to{like}. Pair it by hand."
    if reason is PairReason.DUPLICATED:
        return f"Several sheets print the number of {name}; the {other} set has no sheet with this content."
    if reason is PairReason.SPLIT:
        return f"{name} is a part of a sheet of the old set, which is compared with another part."
    if reason is PairReason.MERGED:
        return f"{name} is a part of a sheet of the new set, which is compared with another part."
    kind = "readable sheet" if is_incomplete else "sheet"
    return f"The {other} set has no {kind} {name}."


async def pair_pinned(uow: UnitOfWork, sheets: Sequence[Drawing]) -> dict[str, dict[str, Any]]:
    """The pairs that people have made, by name. Sheets that they have separated are marked again."""
    by_id = {sheet.id: sheet for sheet in sheets}
    pairs: dict[str, dict[str, Any]] = {}
    for sheet in sheets:
        partner = by_id.get(sheet.partner_id) if sheet.partner_id else None
        if partner is None:
            reason = sheet.error_message or "A person has separated it from its pair."
            await comparison_results.set_page_state(
                uow, sheet.id, SheetState.UNMATCHED, reason, pair_reason=PairReason.MANUAL
            )
            continue
        await comparison_results.set_page_state(
            uow, sheet.id, SheetState.COMPLETED, None, pair_reason=PairReason.MANUAL
        )
        if sheet.drawing_type is DrawingType.NEW:
            pairs[str(sheet.drawing_name)] = {
                "old_drawing_id": partner.id,
                "new_drawing_id": sheet.id,
                "old_image_path": partner.storage_path,
                "new_image_path": sheet.storage_path,
                "pair_reason": PairReason.MANUAL,
                "pair_confidence": None,
            }
    return pairs
