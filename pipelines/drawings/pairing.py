"""Pairing of a session's sheets: a comparison per pair, and a reason per sheet that stands alone."""

from uuid import UUID

from db.models import DrawingType, SheetState
from db.uow import UnitOfWork
from pipelines.drawings import sheet_matching
from pipelines.drawings.sheet_matching import SheetKey
from resolvers.drawings import comparison_results

OTHER_REVISION = {DrawingType.OLD: "new", DrawingType.NEW: "old"}


async def pair_sheets(uow: UnitOfWork, session_id: UUID) -> None:
    """Create a comparison for each pair of sheets, and mark unmatched sheets. Idempotent."""
    pages = await comparison_results.list_pages(uow, session_id)
    sheets = [sheet for sheet in pages if sheet.state is not SheetState.FAILED]
    incomplete = {sheet.drawing_type.value for sheet in pages if sheet.state is SheetState.FAILED}
    revisions: dict[DrawingType, list[SheetKey]] = {DrawingType.OLD: [], DrawingType.NEW: []}
    by_page = {}
    for sheet in sheets:
        has_name = (sheet.drawing_metadata or {})["sheetName"]["source"] != "fallback"
        revisions[sheet.drawing_type].append(
            SheetKey(sheet.page_number or 0, sheet.drawing_name or "", has_name)
        )
        by_page[sheet.drawing_type, sheet.page_number] = sheet
    pairing = sheet_matching.match_sheets(revisions[DrawingType.OLD], revisions[DrawingType.NEW])
    pairs = {}
    for before, after in pairing.pairs:
        old, new = by_page[DrawingType.OLD, before.page], by_page[DrawingType.NEW, after.page]
        pairs[after.name] = {
            "old_drawing_id": old.id,
            "new_drawing_id": new.id,
            "old_image_path": old.storage_path,
            "new_image_path": new.storage_path,
        }
        for sheet in (old, new):
            await comparison_results.set_page_state(uow, sheet.id, SheetState.COMPLETED, None)
    await comparison_results.sync_comparisons(uow, session_id, pairs)
    for revision, unmatched in (
        (DrawingType.OLD, pairing.only_in_old),
        (DrawingType.NEW, pairing.only_in_new),
    ):
        for key in unmatched:
            kind = "readable sheet" if OTHER_REVISION[revision] in incomplete else "sheet"
            reason = f"The {OTHER_REVISION[revision]} set has no {kind} {key.name}."
            sheet = by_page[revision, key.page]
            await comparison_results.set_page_state(uow, sheet.id, SheetState.UNMATCHED, reason)
