"""Evaluation metrics: retrieval, answer and citation scores against expected values."""

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from pipelines.chat.markers import strip_markers

ARTICLES = frozenset({"a", "an", "the"})

MEAN_SCORES = {
    "precision": "precision",
    "recall": "recall",
    "mrr": "reciprocal_rank",
    "hit_rate": "hit",
    "precision_at_1": "precision_at_1",
    "ndcg": "ndcg",
    "exact_match": "exact_match",
    "token_f1": "token_f1",
    "citation_precision": "citation_precision",
    "citation_recall": "citation_recall",
}
"""Metrics of a run, and the case score that each is the mean of."""

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLE = re.compile(r"\b(a|an|the)\b")


def retrieval_scores(expected: Sequence[str], retrieved: Sequence[str], depth: int) -> dict[str, float]:
    """Precision, recall, hit, reciprocal rank and nDCG of the first `depth`, with binary relevance.

    `retrieved` is best first, without duplicates. Empty if nothing was expected.
    """
    relevant = set(expected)
    if not relevant:
        return {}
    ranks = [rank for rank, key in enumerate(retrieved[:depth], 1) if key in relevant]
    ideal_ranks = range(1, min(len(relevant), depth) + 1)
    return {
        "precision": len(ranks) / depth,
        "recall": len(ranks) / len(relevant),
        "reciprocal_rank": 1 / ranks[0] if ranks else 0.0,
        "hit": float(bool(ranks)),
        "precision_at_1": float(1 in ranks),
        "ndcg": discounted_gain(ranks) / discounted_gain(ideal_ranks),
    }


def discounted_gain(ranks: Iterable[int]) -> float:
    """Discounted cumulative gain of relevant passages at these ranks, counted from 1."""
    return math.fsum(1 / math.log2(rank + 1) for rank in ranks)


def answer_scores(expected: str | None, answer: str) -> dict[str, float]:
    """Exact match and token F1 of SQuAD. Empty if no answer was expected.

    Of two texts without words, F1 is 1 if both have none, as in SQuAD 2.0.
    """
    if expected is None:
        return {}
    expected_tokens, tokens = normalize(expected).split(), normalize(strip_markers(answer)).split()
    exact = float(expected_tokens == tokens)
    if not expected_tokens or not tokens:
        return {"exact_match": exact, "token_f1": exact}
    common = sum((Counter(expected_tokens) & Counter(tokens)).values())
    return {"exact_match": exact, "token_f1": 2 * common / (len(expected_tokens) + len(tokens))}


def normalize(text: str) -> str:
    """The text as SQuAD compares it: lower case, without ASCII punctuation and English articles."""
    return " ".join(ARTICLE.sub(" ", text.lower().translate(PUNCTUATION)).split())


def citation_scores(expected: Sequence[str], cited: Sequence[str]) -> dict[str, float]:
    """Citation precision, if anything is cited, and citation recall, if anything was expected."""
    common = len(set(expected) & set(cited))
    scores = {"citation_precision": common / len(set(cited))} if cited else {}
    return scores | ({"citation_recall": common / len(set(expected))} if expected else {})


def failed_scores(
    expected: str | None, passages: Sequence[str], retrieved: Sequence[str], depth: int
) -> dict[str, float]:
    """The scores of a case without an answer: 0 for all that was expected of the answer.

    The ranking is scored as it is; one that failed is empty.
    """
    scores = retrieval_scores(passages, retrieved, depth) | {"quality": 0.0}
    if expected is not None:
        scores |= {"exact_match": 0.0, "token_f1": 0.0}
    if passages:
        scores |= {"citation_precision": 0.0, "citation_recall": 0.0}
    return scores


def is_correct(
    expected: str | None, passages: Sequence[str], answer: str, cited: Sequence[str], found: bool
) -> bool:
    """Whether an answer contains the expected words in order, or cites an expected passage if there are none.

    If nothing was expected, the correct answer is that nothing was found.
    """
    if expected is not None:
        return found and contains_sequence(words(expected), words(strip_markers(answer)))
    return bool(set(passages) & set(cited)) if passages else not found


def words(text: str) -> list[str]:
    """Lower-case words, without articles; punctuation between digits stays."""
    spaced = "".join(
        char
        if not unicodedata.category(char).startswith("P")
        or (text[index - 1 : index].isdigit() and text[index + 1 : index + 2].isdigit())
        else " "
        for index, char in enumerate(text)
    )
    return [word for word in spaced.lower().split() if word not in ARTICLES]


def contains_sequence(sequence: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the words contain the sequence consecutively."""
    size = len(sequence)
    return any(words[start : start + size] == sequence for start in range(len(words) - size + 1))


def summarize(cases: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The metrics of a run, from the columns of its cases; null if no case has the score.

    `counts` has the number of cases of each metric. `f1_score` is the harmonic mean of precision and recall,
    and `avg_quality_score` is from 0 to 100. Failed cases have no latency.
    """
    rows = list(cases)
    values = {name: [row["scores"].get(score) for row in rows] for name, score in MEAN_SCORES.items()}
    values["accuracy"] = [float(row["correct"]) for row in rows]
    values["avg_quality_score"] = [percentage(row["scores"].get("quality")) for row in rows]
    values["avg_latency_ms"] = [row["latency_ms"] for row in rows if row["error_message"] is None]
    metrics: dict[str, Any] = {name: mean(scores) for name, scores in values.items()}
    counts = {name: sum(score is not None for score in scores) for name, scores in values.items()}
    precision, recall = metrics["precision"], metrics["recall"]
    counts["f1_score"] = counts["precision"]
    metrics["f1_score"] = None
    if precision is not None and recall is not None:
        both = precision + recall
        metrics["f1_score"] = 2 * precision * recall / both if both else 0.0
    return metrics | {
        "cases": len(rows),
        "failed_cases": sum(row["error_message"] is not None for row in rows),
        "counts": counts,
    }


def percentage(share: float | None) -> float | None:
    return None if share is None else 100 * share


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
