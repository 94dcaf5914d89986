"""Demo rows of projects, drawings, imagery, insights, evaluation and activity."""

from datetime import datetime, timedelta

from db.models import (
    ActivityLog,
    AnalysisResult,
    CompanyProfile,
    Comparison,
    CrawlJob,
    Drawing,
    DrawingSession,
    DrawingType,
    DrawingVersion,
    EvaluationRun,
    ExportFormat,
    ExportJob,
    HistoricalDataImport,
    Image,
    JobStatus,
    ProcessingJob,
    ProcessingJobType,
    Project,
    ProjectStatus,
    Report,
    ReportMethod,
    SavedReport,
    SessionStatus,
    SessionType,
    SheetState,
    Upload,
    UploadState,
    ValidationJob,
)
from server.demo.draft import Draft, Row

PLACES = ("Alexandria", "Basel", "Chennai", "Dakar", "Espoo", "Fukuoka", "Ghent", "Hobart")
BUILDINGS = ("Library", "Clinic", "School", "Depot", "Museum", "Station", "Market", "Observatory")
SUBJECTS = ("bridges", "cranes", "facades", "solar panels", "stairs", "turbines", "valves", "windows")
CHANGES = ("Door moved 0.6 m east", "Wall added at grid C", "Outlet removed", "Dimension 12'-4\" is 12'-9\"")
ADVICE = ("Check clearances", "Confirm with the client", "Update the schedule")
TAGS = ("annual", "board", "draft", "energy", "solar", "wind")
ACTIONS = (
    "PROJECT_CREATE",
    "DRAWING_SESSION_CREATE",
    "DOCUMENT_CREATE",
    "CONVERSATION_CREATE",
    "USER_SIGN_IN",
)
IDLE_STATUSES = (SessionStatus.ACTIVE, SessionStatus.COMPLETED, SessionStatus.ERROR)
FINISHED_STATUSES = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
STAGES = (ProcessingJobType.PDF_EXTRACTION, ProcessingJobType.COMPARISON, ProcessingJobType.AI_ANALYSIS)


def projects(draft: Draft) -> None:
    """Projects and uploads."""
    for number, at in draft.each(Project):
        place, building = draft.one(PLACES), draft.one(BUILDINGS)
        status = ProjectStatus.ACTIVE if draft.chance(0.7) else draft.one(list(ProjectStatus)[1:3])
        draft.add(
            Project,
            at,
            user_id=draft.person(),
            name=f"{place} {building}",
            description=f"Everything about the {building.lower()} in {place}.",
            project_number=f"{place[:2].upper()}-{number + 1:03}",
            location=place,
            status=status,
            created_at=at,
            updated_at=at,
        )
    for _, at in draft.each(Upload):
        name = f"{draft.one(BUILDINGS).lower()}.pdf"
        draft.add(
            Upload,
            at,
            user_id=draft.person(),
            filename=name,
            mime_type="application/pdf",
            size=draft.random.randrange(10_000, 5_000_000),
            sha256=f"{draft.random.getrandbits(256):064x}",
            state=UploadState.STORED,
            storage_key=f"{draft.company_id}/uploads/{draft.key(at)}/{name}",
            expires_at=at + timedelta(days=1),
            created_at=at,
        )


def drawings(draft: Draft) -> None:
    """Sessions, sheets, comparisons and jobs."""
    for number, project, at in draft.under(DrawingSession, Project):
        status = SessionStatus.COMPLETED if draft.chance(0.7) else draft.one(IDLE_STATUSES)
        draft.add(
            DrawingSession,
            at,
            user_id=draft.person(),
            project_id=project["id"],
            name=f"{project['name']}, issue {number + 1}",
            session_type=SessionType.COMPARISON,
            status=status,
            total_time=draft.share(5, 90) if status is SessionStatus.COMPLETED else None,
            created_at=at,
            updated_at=at,
        )
    for number, session, at in draft.under(Drawing, DrawingSession):
        pair, side = divmod(number, 2)
        draft.add(
            Drawing,
            at,
            session_id=session["id"],
            drawing_type=list(DrawingType)[side],
            filename=f"{side}-{pair + 1}.png",
            original_filename="set.pdf",
            drawing_name=f"A-{pair + 101}",
            page_number=pair + 1,
            state=SheetState.COMPLETED,
            processed_at=at,
        )
    for old, new in pairs(draft):
        compare(draft, old, new)
    revisions(draft)
    for number, session, at in draft.under(ProcessingJob, DrawingSession):
        draft.add(
            ProcessingJob,
            at,
            session_id=session["id"] if number < len(STAGES) else None,
            job_type=STAGES[number] if number < len(STAGES) else ProcessingJobType.UPKEEP,
            **job(draft, at),
        )


def pairs(draft: Draft) -> list[tuple[Row, Row]]:
    """Pairs of old and new sheets, one per comparison to create."""
    sheets: dict[tuple[object, object], dict[DrawingType, Row]] = {}
    for sheet in draft.rows.get(Drawing, []):
        sheets.setdefault((sheet["session_id"], sheet["drawing_name"]), {})[sheet["drawing_type"]] = sheet
    both = [(pair[DrawingType.OLD], pair[DrawingType.NEW]) for pair in sheets.values() if len(pair) == 2]
    return both[: draft.counts.get(Comparison, 0)]


def compare(draft: Draft, old: Row, new: Row) -> None:
    """The comparison of two sheets, and its analysis while analyses are to be created."""
    at, changed = new["processed_at"], draft.chance(0.6)
    comparison = draft.add(
        Comparison,
        at,
        session_id=new["session_id"],
        old_drawing_id=old["id"],
        new_drawing_id=new["id"],
        drawing_name=new["drawing_name"],
        alignment_score=draft.share(0.6, 1),
        change_ratio=draft.share(0.01, 0.3) if changed else 0.0,
        changes_detected=changed,
        state=SheetState.COMPLETED,
        created_at=at,
    )
    if len(draft.rows.get(AnalysisResult, ())) < draft.counts.get(AnalysisResult, 0):
        success = draft.chance(0.9)
        found = draft.words(CHANGES, 2) if changed and success else []
        draft.add(
            AnalysisResult,
            at,
            comparison_id=comparison["id"],
            session_id=comparison["session_id"],
            drawing_name=comparison["drawing_name"],
            changes_found=found,
            analysis_summary=f"{len(found)} changes." if success else None,
            recommendations=draft.words(ADVICE, len(found)),
            success=success,
            error_message=None if success else "The analyser gave no answer.",
            ai_model_used="drawn",
            created_at=at,
        )


def revisions(draft: Draft) -> None:
    """The new sheets as revisions, numbered by sheet number."""
    projects_of = {session["id"]: session["project_id"] for session in draft.rows.get(DrawingSession, [])}
    latest: dict[tuple[object, str], int] = {}
    sheets = draft.rows.get(Drawing, [])
    for sheet in [row for row in sheets if row["drawing_type"] is DrawingType.NEW]:
        if len(draft.rows.get(DrawingVersion, ())) == draft.counts.get(DrawingVersion, 0):
            return
        project_id, name = projects_of[sheet["session_id"]], sheet["drawing_name"]
        number = latest[project_id, name] = latest.get((project_id, name), 0) + 1
        draft.add(
            DrawingVersion,
            sheet["processed_at"],
            project_id=project_id,
            drawing_id=sheet["id"],
            drawing_name=name,
            version_number=number,
            version_label=f"Rev {chr(64 + (number - 1) % 26 + 1)}",
            upload_date=sheet["processed_at"],
        )


def job(draft: Draft, at: datetime) -> Row:
    """A finished job; most are completed."""
    status = JobStatus.COMPLETED if draft.chance(0.8) else draft.one(FINISHED_STATUSES)
    return {
        "status": status,
        "progress": 100 if status is JobStatus.COMPLETED else draft.random.randrange(100),
        "attempts": 1,
        "epoch": 1,
        "requested_by_id": draft.person(),
        "started_at": at,
        "completed_at": at + timedelta(seconds=draft.random.randrange(5, 60)),
        "error_message": "The source did not answer." if status is JobStatus.FAILED else None,
        "created_at": at,
        "updated_at": at,
    }


def imagery(draft: Draft) -> None:
    """Crawls with images, validations and exports."""
    for number, project, at in draft.under(CrawlJob, Project):
        subject = draft.one(SUBJECTS)
        draft.add(
            CrawlJob,
            at,
            project_id=project["id"],
            name=f"{subject} {number + 1}",
            keywords=[subject, f"old {subject}"],
            max_images=1000,
            total_images=0,
            downloaded_images=0,
            valid_images=0,
            total_chunks=2,
            completed_chunks=2,
            **job(draft, at),
        )
    for number, crawl, at in draft.under(Image, CrawlJob):
        valid = draft.chance(0.9)
        for counter, counted in (
            ("total_images", True),
            ("downloaded_images", True),
            ("valid_images", valid),
        ):
            crawl[counter] += counted
        draft.add(
            Image,
            at,
            crawl_job_id=crawl["id"],
            original_url=f"https://images.example/{crawl['id']}/{number}.jpg",
            filename=f"{number:05}.jpg",
            width=draft.random.randrange(64, 4000),
            height=draft.random.randrange(64, 4000),
            file_size=draft.random.randrange(2_000, 2_000_000),
            format="jpg",
            is_valid=valid,
            created_at=at,
        )
    for number, crawl, at in draft.under(ValidationJob, CrawlJob):
        seen, valid_images = crawl["downloaded_images"], crawl["valid_images"]
        draft.add(
            ValidationJob,
            at,
            crawl_job_id=crawl["id"],
            name=f"Check {number + 1}",
            total_images=seen,
            validated_images=seen,
            invalid_images=seen - valid_images,
            validation_rules={"min_width": 64, "min_height": 64},
            **job(draft, at),
        )
    for number, crawl, at in draft.under(ExportJob, CrawlJob):
        draft.add(
            ExportJob,
            at,
            crawl_job_id=crawl["id"],
            user_id=draft.person(),
            name=f"Export {number + 1}",
            format=draft.one(list(ExportFormat)),
            total_images=crawl["valid_images"],
            exported_images=crawl["valid_images"],
            file_size=1000 * crawl["valid_images"],
            export_options={"include_metadata": True},
            **job(draft, at),
        )


def insights(draft: Draft) -> None:
    """The energy profile, imports, reports and saved reports."""
    for _, at in draft.each(CompanyProfile):
        draft.add(
            CompanyProfile,
            at,
            industry="Hospitality",
            location=draft.one(PLACES),
            target_year=2035,
            renewable_percentage_increase=60.0,
            budget=250_000.0,
            total_consumption_kwh=1_200_000.0,
            current_renewable_percentage=22.5,
            sustainability_score=37.5,
            created_at=at,
            updated_at=at,
        )
    for _, at in draft.each(SavedReport):
        share = draft.share(0.2, 0.6)
        draft.add(
            SavedReport,
            at,
            report_id=f"report-{draft.random.getrandbits(64):016x}",
            report_type="energy_portfolio",
            report_data={"mix": {"solar": share, "wind": round(1 - share, 3)}, "on_track": draft.chance(0.5)},
            title=f"Energy portfolio, {at:%B %Y}",
            tags=draft.words(TAGS, 2),
            confidence=draft.share(0.5, 1),
            user_id=draft.person(),
            generated_at=at,
            saved_at=at,
        )
    for number, upload, at in draft.under(HistoricalDataImport, Upload):
        draft.add(
            HistoricalDataImport,
            at,
            upload_id=upload["id"],
            filename=f"load-{number + 1}.csv",
            mapping={},
            requested_by_id=draft.person(),
            created_at=at,
        )
    for _, at in draft.each(Report):
        draft.add(
            Report,
            at,
            title=f"Energy portfolio, {at:%B %Y}",
            report_type="energy_portfolio",
            method=draft.one(list(ReportMethod)),
            config={},
            requested_by_id=draft.person(),
            created_at=at,
        )


def evaluation(draft: Draft) -> None:
    """Evaluation runs."""
    for number, at in draft.each(EvaluationRun):
        measures = ("accuracy", "precision", "recall", "f1_score")
        draft.add(
            EvaluationRun,
            at,
            name=f"Weekly {number + 1}",
            model_name="extractive",
            dataset_name="questions-22",
            config={"temperature": 0.0, "max_tokens": 500, "test_cases": 22},
            metrics={measure: draft.share(0.6, 1) for measure in measures},
            **job(draft, at),
        )


def activity(draft: Draft) -> None:
    """Activity log entries."""
    for _, at in draft.each(ActivityLog):
        draft.add(
            ActivityLog,
            at,
            user_id=draft.person(),
            action=draft.one(ACTIONS),
            resource_type="Project",
            resource_id=str(draft.one(draft.rows[Project])["id"]),
            timestamp=at,
        )
