"""Questions about rows: answered from the rows that the asker can read, which are cited."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from db.models import DocumentScope, JobStatus, ProcessingJobType, ReadingPeriod, RoleName
from pipelines.chat.row_questions import tools
from pipelines.chat.row_questions.languages import Language
from pipelines.chat.row_questions.lexicon import Measure, Subject
from pipelines.chat.row_questions.patterns import RowQuestion
from pipelines.chat.row_questions.periods import Period
from resolvers.identity import accounts
from server.worker import Worker
from tests import factories
from tests.chat.pipeline.conftest import Person, somebody
from tests.factories import a_job, a_project
from tests.factories.evaluation import a_run
from tests.factories.imagery import a_crawl, an_image
from tests.factories.insights import a_made_report, a_reading, an_import
from tests.factories.knowledge import a_document

WEEK = Period(date(2026, 11, 23), date(2026, 11, 29))
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))


async def answer(person: Person, *arguments: Any, **options: Any) -> str | None:
    """What the rows say to somebody."""
    database = person.graphql.services.database
    viewer = await accounts.load_viewer(database, person.user.id, None)
    async with database.transaction(viewer.scope, read_only=True) as uow:
        said = await tools.answer_question(uow, viewer, RowQuestion(*arguments, **options))
    return None if said is None else said.text


async def save(person: Person, *rows: Any) -> None:
    await factories.save(person.graphql.services.database, *rows)


async def test_the_images_that_failed_in_a_period_are_counted(person: Person) -> None:
    crawl = a_crawl(a_project(person.user))
    at = {"created_at": datetime(2026, 11, 29, 23, 59, tzinfo=UTC)}
    failed = [an_image(crawl, is_valid=False, **at) for _ in range(3)]
    later = an_image(crawl, is_valid=False, created_at=at["created_at"] + timedelta(minutes=1))
    await save(person, crawl, *failed, an_image(crawl, is_valid=True, **at), later)

    said = await answer(person, Subject.IMAGES, Measure.COUNT, JobStatus.FAILED, WEEK)

    assert said == (
        "3 images failed the quality checks, of those stored between 23 and 29 November 2026 (UTC)."
    )


async def test_rows_of_another_company_are_neither_counted_nor_known_of(
    worker: Worker, person: Person
) -> None:
    stranger = await somebody(person.graphql)
    crawl = a_crawl(a_project(stranger.user))
    await save(stranger, crawl, an_image(crawl, is_valid=False))

    assert await answer(await somebody(person.graphql), Subject.IMAGES, Measure.COUNT) is None


async def test_private_documents_of_colleagues_are_not_counted(person: Person) -> None:
    asker = await somebody(person.graphql)
    colleague = await somebody(person.graphql, asker.user.company)
    private = [a_document(user, scope=DocumentScope.USER) for user in (asker.user, colleague.user)]
    shared = a_document(colleague.user, scope=DocumentScope.COMPANY)
    await save(asker, *private, a_document(colleague.user, scope=DocumentScope.USER), shared)

    seen = [await answer(each, Subject.DOCUMENTS, Measure.COUNT) for each in (asker, colleague)]

    assert seen == [f"{count} documents that you can read were added." for count in (2, 3)]


async def test_kinds_of_jobs_that_a_role_may_not_read_are_not_counted(person: Person) -> None:
    database = person.graphql.services.database
    viewer = await accounts.load_viewer(database, person.user.id, None)
    crawl = a_crawl(a_project(person.user))
    await save(person, crawl)
    unpermitted = replace(viewer, permissions=viewer.permissions - {"images:read"})

    async with database.transaction(viewer.scope, read_only=True) as uow:
        question = RowQuestion(Subject.CRAWLS, Measure.COUNT)
        assert await tools.answer_question(uow, unpermitted, question) is None


async def test_jobs_of_every_kind_are_counted_in_one_statement(person: Person) -> None:
    crawl = a_crawl(a_project(person.user), status=JobStatus.RUNNING)
    await save(person, crawl)
    database = person.graphql.services.database
    viewer = await accounts.load_viewer(database, person.user.id, None)
    async with database.transaction(viewer.scope, read_only=True) as uow:
        person.graphql.statements.clear()
        await tools.answer_question(uow, viewer, RowQuestion(Subject.JOBS, Measure.COUNT))
        sent = [text for text in person.graphql.statements if "processing_jobs" in text]

    assert len(sent) == 1
    assert all(name in sent[0] for name in ("crawl_jobs", "validation_jobs", "export_jobs"))


async def test_consumption_is_of_one_import_and_says_which_days_it_covers(person: Person) -> None:
    asker = await somebody(person.graphql)
    old = an_import(asker.user, filename="old.csv", created_at=datetime(2026, 4, 1, tzinfo=UTC))
    new = an_import(asker.user, filename="new.csv", created_at=datetime(2026, 5, 1, tzinfo=UTC))
    days = [a_reading(new, starts_on=date(2026, 3, day), kwh=10.5) for day in range(1, 21)]
    month = a_reading(new, period=ReadingPeriod.MONTH, starts_on=date(2026, 3, 1), kwh=210.0, coverage=0.645)
    await save(asker, old, new, a_reading(old, starts_on=date(2026, 3, 1), kwh=99.0), *days, month)

    said = [
        await answer(asker, Subject.CONSUMPTION, measure, period=period)
        for measure, period in (
            (Measure.SUM, MARCH),
            (Measure.AVERAGE, MARCH),
            (Measure.SUM, Period(date(2025, 1, 1), date(2025, 12, 31))),
        )
    ]

    source = "by the days of the time zone of the meter, from the import “new.csv”"
    rest = (
        "this is a part: readings cover 20.0 of 31 days, the first on 1 March 2026 and the last on "
        "20 March 2026; 1 earlier import has readings of this time too and is not added."
    )
    assert said == [
        f"The consumption between 1 and 31 March 2026 is 210.00 kWh, {source}; {rest}",
        f"The average consumption between 1 and 31 March 2026 is 10.50 kWh per day with readings, "
        f"{source}; {rest}",
        "There are no consumption readings between 1 January and 31 December 2025; "
        "the first is of 1 March 2026, the last of 20 March 2026.",
    ]


async def test_months_alone_do_not_say_what_a_part_of_a_month_consumed(person: Person) -> None:
    asker = await somebody(person.graphql)
    made = an_import(asker.user)
    reading = a_reading(made, period=ReadingPeriod.MONTH, starts_on=date(2026, 3, 1), kwh=310.0)
    await save(asker, made, reading)

    whole = await answer(asker, Subject.CONSUMPTION, Measure.SUM, period=MARCH)
    part = await answer(
        asker, Subject.CONSUMPTION, Measure.SUM, period=Period(date(2026, 3, 1), date(2026, 3, 9))
    )

    assert whole == (
        "The consumption between 1 and 31 March 2026 is 310.00 kWh, by the days of the time "
        "zone of the meter, "
        "from the import “load.csv”."
    )
    assert part == (
        "The readings between 1 and 9 March 2026 are of whole months only, so that the consumption of "
        "this part of a month is not known."
    )


async def test_reports_and_evaluation_runs_are_compared_by_their_figures(person: Person) -> None:
    asker = await somebody(person.graphql, role=RoleName.ADMIN)
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    reports = [
        a_made_report(
            asker.user, title=title, generated_at=at, report_data={"roadmap": {"years": [{"cost": cost}] * 2}}
        )
        for title, cost in (("Sun", 700.25), ("Wind", 900))
    ]
    done = {"status": JobStatus.COMPLETED, "completed_at": at}
    run = a_run(asker.user, name="Nightly", metrics={"recall": 0.75, "precision": None}, **done)
    await save(asker, *reports, run)

    assert [
        await answer(asker, Subject.REPORTS, Measure.MINIMUM, metric="cost"),
        await answer(asker, Subject.EVALUATIONS, Measure.LATEST, metric="recall"),
        await answer(asker, Subject.EVALUATIONS, Measure.LATEST, metric="precision"),
    ] == [
        "The lowest total cost of the recommended plan is 1,400.50, in the currency of the budget: "
        "“Sun” (generated 2 November 2026, 09:30 UTC), of 2 reports with a cost.",
        "The recall of the latest completed evaluation run, “Nightly” (2 November 2026, 09:30 UTC), is 0.75.",
        "There is no precision of the latest completed evaluation run, “Nightly” "
        "(2 November 2026, 09:30 UTC): its data set has nothing to compute it from.",
    ]


async def test_an_answer_of_rows_cites_them_in_a_conversation(worker: Worker, person: Person) -> None:
    crawl = a_crawl(a_project(person.user), status=JobStatus.RUNNING)
    await save(person, crawl)

    said = await person.ask(await person.conversation(), "How many jobs are running?")

    text = "1 job is running now (1 crawl; chat answers and maintenance are not counted)."
    assert (said["state"], said["content"], said["model"]) == ("COMPLETED", text, "seshat-rows/1")
    (cited,) = said["citations"]["nodes"]
    assert cited["sourceName"] == "Jobs"
    assert re.fullmatch(re.escape(text) + r" Read \d+ \w+ \d{4}, \d\d:\d\d UTC\.", cited["snippet"])
    assert (cited["textStartIndex"], cited["textEndIndex"]) == (0, len(text))
    assert [step["agent"] for step in said["reasoningChain"]][:2] == ["query_quality", "rows"]
    assert said["lowConfidenceWarning"] is False


async def test_every_kind_of_row_is_counted_by_status_and_period(person: Person) -> None:
    asker = await somebody(person.graphql, role=RoleName.ADMIN)
    at = datetime(2026, 11, 24, tzinfo=UTC)
    report = a_made_report(asker.user, created_at=at)
    ended: dict[str, Any] = {"status": JobStatus.FAILED, "error_message": "No.", "completed_at": at}
    job = a_job(asker.user, id=report.id, job_type=ProcessingJobType.REPORT_GENERATION, **ended)
    await save(asker, report)
    await save(asker, job)

    failed = (Measure.COUNT, JobStatus.FAILED, WEEK)
    reports, jobs = [await answer(asker, each, *failed) for each in (Subject.REPORTS, Subject.JOBS)]

    days = "between 23 and 29 November 2026 (UTC)"
    assert reports == f"1 report is failed now, of those requested {days}."
    assert jobs == f"1 job failed {days} (1 processing job; chat answers and maintenance are not counted)."


async def test_rows_are_listed_with_what_failed_them(person: Person) -> None:
    asker = await somebody(person.graphql)
    project = a_project(asker.user)
    failed = [
        a_crawl(
            project,
            name=f"Crawl {day}",
            status=JobStatus.FAILED,
            error_message=f"Source {day} did not answer.",
            completed_at=datetime(2026, 11, day, 8, 15, tzinfo=UTC),
            requested_by_id=asker.user.id if day == 24 else None,
        )
        for day in range(21, 29)
    ]
    await save(asker, *failed)

    listed = (Subject.CRAWLS, Measure.LIST, JobStatus.FAILED)
    said = await answer(asker, *listed, WEEK)
    latest = await answer(asker, *listed, latest_only=True)
    mine = await answer(asker, *listed, is_mine=True, language=Language.DE)

    def item(day: int) -> str:
        return f"“Crawl {day}” ({day} November 2026, 08:15 UTC): Source {day} did not answer"

    assert said == (
        "6 crawls of data sets failed between 23 and 29 November 2026 (UTC): "
        f"{'; '.join(item(day) for day in range(28, 23, -1))}; 1 more."
    )
    assert latest == f"1 crawl of a data set failed: {item(28)}."
    assert mine == (
        "1 Crawl eines Datensatzes, Zustand „fehlgeschlagen“ (nur Ihre): “Crawl 24” "
        "(24. November 2026, 08:15 UTC): Source 24 did not answer."
    )


async def test_the_latest_row_and_its_figures_are_described(person: Person) -> None:
    asker = await somebody(person.graphql, role=RoleName.ADMIN)
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    done = {"status": JobStatus.COMPLETED, "completed_at": at, "created_at": at - timedelta(minutes=5)}
    await save(asker, a_run(asker.user, name="Nightly", metrics={"recall": 0.7512, "f1_score": 0.5}, **done))

    assert [
        await answer(asker, Subject.EVALUATIONS, Measure.STATE, language=language) for language in Language
    ] == [
        "The latest evaluation run is “Nightly”: completed; created 2 November 2026, 09:25 UTC; "
        "ended 2 November 2026, 09:30 UTC.",
        "Neueste Zeile (Evaluierungslauf): „Nightly“: abgeschlossen; angelegt am 2. November 2026, "
        "09:25 UTC; beendet am 2. November 2026, 09:30 UTC.",
        "Dernière ligne (évaluation) : « Nightly » : terminé; créé le 2 novembre 2026, 09:25 UTC; "
        "terminé le 2 novembre 2026, 09:30 UTC.",
        "Última fila (evaluación): «Nightly»: completado; creado el 2 de noviembre de 2026, 09:25 UTC; "
        "terminado el 2 de noviembre de 2026, 09:30 UTC.",
    ]
    assert [
        await answer(asker, Subject.EVALUATIONS, Measure.LATEST, language=Language.EN),
        await answer(asker, Subject.EVALUATIONS, Measure.LATEST, metric="recall", language=Language.DE),
    ] == [
        "Figures of the latest completed evaluation run, “Nightly” (2 November 2026, 09:30 UTC): "
        "recall 0.7512, f1 0.5.",
        "Recall des letzten abgeschlossenen Evaluierungslaufs, „Nightly“ (2. November 2026, 09:30 UTC): "
        "0,7512.",
    ]


async def test_numbers_and_days_are_written_as_the_reader_does(person: Person) -> None:
    asker = await somebody(person.graphql)
    made = an_import(asker.user, filename="load.csv")
    readings = [a_reading(made, starts_on=date(2026, 3, day), kwh=1000.5) for day in range(1, 32)]
    await save(asker, made, *readings)

    arguments = (Subject.CONSUMPTION, Measure.SUM)
    assert [await answer(asker, *arguments, period=MARCH, language=language) for language in Language] == [
        "The consumption between 1 and 31 March 2026 is 31,015.50 kWh, by the days of the time zone of the "
        "meter, from the import “load.csv”.",
        "Der Verbrauch vom 1. bis 31. März 2026 beträgt 31.015,50 kWh, nach den Tagen der Zeitzone des "
        "Zählers, aus dem Import „load.csv“.",
        "La consommation du 1er au 31 mars 2026 est de 31\N{NO-BREAK SPACE}015,50 kWh, selon les jours du "
        "fuseau horaire du compteur, d'après l'import « load.csv ».",
        "El consumo del 1 al 31 de marzo de 2026 es de 31.015,50 kWh, según los días de la zona horaria del "
        "contador, de la importación «load.csv».",
    ]


async def test_a_question_that_a_document_may_answer_too_says_how_to_ask_it(
    worker: Worker, person: Person
) -> None:
    await save(person, a_crawl(a_project(person.user), created_at=datetime(2026, 3, 2, tzinfo=UTC)))

    said = await person.ask(await person.conversation(), "¿Cuántos rastreos hay?")

    assert said["content"] == (
        "1 rastreo de un conjunto de datos. Para saber qué dicen los documentos, pregunte en una "
        "conversación con documentos seleccionados."
    )
    assert said["lowConfidenceWarning"] is False
