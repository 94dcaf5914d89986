"""Patterns of questions about rows, in English, German, French and Spanish.

A question is one about rows only if every word of it is known. Any other question is one about documents.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import Enum

from db.models import JobStatus
from pipelines.chat.row_questions.periods import Period, find_period


class Subject(Enum):
    """The kind of rows that a question is about."""

    IMAGES = "images"
    JOBS = "jobs"
    CRAWLS = "crawls"
    EXPORTS = "exports"
    DOCUMENTS = "documents"
    REPORTS = "reports"
    EVALUATIONS = "evaluation runs"
    CONSUMPTION = "consumption"


class Measure(Enum):
    """What a question wants to know of the rows."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    LATEST = "latest"


@dataclass(frozen=True)
class RowQuestion:
    """The typed arguments of a question about rows."""

    subject: Subject
    measure: Measure
    status: JobStatus | None = None
    period: Period | None = None
    metric: str | None = None
    """A metric of evaluation runs, or `cost` of reports."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SUBJECTS = {
    Subject.IMAGES: _words("image images picture pictures bild bilder imagen imagenes"),
    Subject.JOBS: _words("job jobs auftrag auftrage tache taches trabajo trabajos tarea tareas"),
    Subject.CRAWLS: _words("crawl crawls dataset datasets datensatz datensatze"),
    Subject.EXPORTS: _words("export exports exporte exportacion exportaciones exportation exportations"),
    Subject.DOCUMENTS: _words("document documents dokument dokumente documento documentos"),
    Subject.REPORTS: _words("report reports bericht berichte rapport rapports informe informes"),
    Subject.EVALUATIONS: _words(
        "evaluation evaluations evaluierung evaluierungen auswertung auswertungen evaluacion evaluaciones"
    ),
    Subject.CONSUMPTION: _words(
        "consumption consume consumed verbrauch verbraucht verbrauchten consommation consomme "
        "consumo consumimos consumido"
    ),
}
STATUSES = {
    JobStatus.FAILED: _words(
        "fail failed failing fehlgeschlagen fehlgeschlagene gescheitert echoue echouee echouees echoues "
        "fallaron "
        "fallado fallido fallidos fallidas"
    ),
    JobStatus.RUNNING: _words("running laufen laufend laufende en_cours ejecutandose corriendo en_ejecucion"),
    JobStatus.PENDING: _words("pending waiting queued warten wartend en_attente pendiente pendientes"),
    JobStatus.COMPLETED: _words(
        "completed finished abgeschlossen fertig termine terminee terminees termines "
        "completado completados "
        "completadas terminado terminados terminadas completaron terminaron"
    ),
    JobStatus.CANCELLED: _words(
        "cancelled canceled abgebrochen annule annulee annulees annules cancelado cancelados canceladas "
        "cancelaron"
    ),
}
MEASURES = {
    Measure.COUNT: _words("how_many number_of wie_viele anzahl combien nombre cuantos cuantas numero"),
    Measure.AVERAGE: _words(
        "average mean durchschnittlich durchschnittliche durchschnittlicher durchschnitt moyen moyenne "
        "promedio medio"
    ),
    Measure.MINIMUM: _words(
        "lowest least smallest cheapest niedrigsten niedrigste geringsten gunstigste plus_bas plus_faible "
        "menor mas_bajo mas_barato"
    ),
    Measure.MAXIMUM: _words(
        "highest most largest hochsten hochste teuerste plus_haut plus_eleve mayor mas_alto mas_caro"
    ),
    Measure.LATEST: _words(
        "last latest newest most_recent letzte letzten letzter letztes neueste neuesten dernier "
        "derniere plus_recent "
        "plus_recente ultimo ultima mas_reciente"
    ),
}
METRICS = {
    "recall": _words("recall trefferquote rappel exhaustividad"),
    "precision": _words("precision prazision"),
    "f1_score": _words("f1 f1_score"),
    "cost": _words("cost costs kosten cout couts coste costo costes"),
}
OWN = _words(
    "we our us wir unser unsere unserer unseren nous notre nos nuestro nuestra nuestros hemos avons "
    "consumimos haben"
)
FILLERS = (
    _words(
        "what which was were is are be been being did do does have has had the a an of in on for there "
        "by our "
        "total much how_much run runs value score energy electricity power kwh background currently now "
        "right "
        "uploaded added generated stored made to "
        "was welche welcher welches welchen war waren ist sind wurde wurden der die das den dem des und "
        "es gibt "
        "wie_viel gesamt insgesamt strom energie hat haben am wie_hoch hoher gerade derzeit hochgeladen "
        "erstellt "
        "quel quelle quels quelles est sont etait ont ete a le la les l de du des d y il en au "
        "actuellement "
        "electricite avons nous total totale ajoutes importes generes "
        "cual cuales que cuanto cuanta fue fueron es son esta estan ha han hay el los las del se con "
        "con_el nos "
        "energia electricidad ahora total tiene subieron subidos generaron crearon hemos"
    )
    | OWN
)
ENERGY = _words("energy electricity power kwh strom energie electricite energia electricidad")
"""Words that belong to questions about consumption only."""
PHRASES = (
    "how many", "how much", "number of", "wie viele", "wie viel",
    "wie hoch", "most recent", "en cours", "en attente",
    "en ejecucion", "plus bas", "plus faible", "plus haut", "plus eleve", "plus recente", "plus recent",
    "mas bajo", "mas barato", "mas alto", "mas caro", "mas reciente", "f1 score",
)  # fmt: skip
SYNONYMS = {"data sets": "datasets", "data set": "dataset", "image crawls": "crawls"}
AMOUNTS = _words(
    "how_much wie_hoch wie_viel combien cuanto cuanta total gesamt insgesamt what was quelle quel cual que"
)
COUNTABLE_ALONE = frozenset({Subject.CRAWLS, Subject.EXPORTS, Subject.DOCUMENTS, Subject.EVALUATIONS})
"""Subjects that are counted without a status, a period or a word such as `our`."""


def fold(text: str) -> str:
    """The text in lower case, without accents and without punctuation except within dates."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w\s-]|-(?!\d)|(?<!\d)-", " ", plain).split())


def parse_question(text: str, today: date) -> RowQuestion | None:
    """The question about rows that a text asks, or None if that is not certain."""
    period, rest = find_period(fold(text), today)
    has_time = rest != fold(text)
    if has_time and (period is None or period.first > today):
        return None  # of a time that has not come there are no rows, which is not the answer 0
    for phrase, synonym in SYNONYMS.items():
        rest = re.sub(rf"\b{phrase}\b", synonym, rest)
    for phrase in PHRASES:
        rest = re.sub(rf"\b{phrase}\b", phrase.replace(" ", "_"), rest)
    words = rest.split()
    subjects = [subject for subject, names in SUBJECTS.items() if names & set(words)]
    statuses = [status for status, names in STATUSES.items() if names & set(words)]
    measures = [measure for measure, names in MEASURES.items() if names & set(words)]
    metrics = [metric for metric, names in METRICS.items() if names & set(words)]
    known = FILLERS.union(*SUBJECTS.values(), *STATUSES.values(), *MEASURES.values(), *METRICS.values())
    if len(subjects) != 1 or len(statuses) > 1 or len(metrics) > 1 or not set(words) <= known:
        return None
    status = statuses[0] if statuses else None
    metric = metrics[0] if metrics else None
    is_narrowed = period is not None or status is not None or bool(OWN & set(words))
    measure = _measure(subjects[0], measures, metric, set(words), is_narrowed, status is not None)
    if measure is None or (status is not None and measure is not Measure.COUNT):
        return None
    return RowQuestion(subjects[0], measure, status, period, metric)


def _measure(
    subject: Subject,
    measures: list[Measure],
    metric: str | None,
    words: set[str],
    is_narrowed: bool,
    has_status: bool,
) -> Measure | None:
    """The measure, or None if it does not belong to the subject or the question may be about documents."""
    match subject, measures, metric:
        case Subject.CONSUMPTION, [] | [Measure.COUNT], None if is_narrowed and (
            not measures or "combien" in words
        ):
            return Measure.SUM if words & AMOUNTS else None
        case Subject.CONSUMPTION, [Measure.AVERAGE], None if is_narrowed:
            return Measure.AVERAGE
        case Subject.EVALUATIONS, [Measure.LATEST], str() if metric != "cost":
            return Measure.LATEST
        case Subject.REPORTS, [Measure.MINIMUM | Measure.MAXIMUM as measure], "cost":
            return measure
        case _, [Measure.COUNT], None if subject is not Subject.CONSUMPTION:
            # Without a status, jobs may be employment.
            if words & ENERGY or (subject is Subject.JOBS and not has_status):
                return None
            return Measure.COUNT if is_narrowed or subject in COUNTABLE_ALONE else None
        case _:
            return None
