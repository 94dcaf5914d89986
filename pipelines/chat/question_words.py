"""Words of questions that refer to something, and that say nothing, in six languages.

English, German, Spanish, French, Italian and Portuguese.
"""

import re

from core.bm25 import words
from core.stemming import STOP_WORDS


def word_set(text: str) -> frozenset[str]:
    """The words of a text that is separated by white space."""
    return frozenset(text.split())


PRONOUNS = word_set(
    "he him his she her hers it its they them their theirs himself herself itself themselves er ihn "
    "ihm sie ihr ihre ihrem ihren ihrer ihres ihnen es sein seine seinem seinen seiner seines dessen "
    "deren dafür davon damit dazu daran darin dabei dadurch danach dort dorthin daraus darauf dagegen "
    "él ella ello ellos ellas su sus suyo suya allí ahí il elle ils elles lui leur leurs celui celle "
    "ceux celles cela ça ceci celui-ci celle-ci lui lei loro suo sua suoi sue esso essa ele ela eles "
    "elas dele dela deles delas there this that these those one ones former latter such dies diese "
    "diesem diesen dieser dieses jener jene jenes este esta esto estos estas ese esa eso esos esas "
    "aquel aquella aquello ce cet cette ces y en isso isto esse essa questo questa quello quella"
) - word_set("es en y one such")
"""Words that refer to something said before; some are articles or conjunctions elsewhere and left out."""
OPENINGS = re.compile(
    r"^\s*[¿¡]?\s*(?:and|but|so|then|also|or|what about|how about|und|aber|oder|was ist mit|wie sieht es|y|e|"
    r"pero|o|qué (?:hay|pasa) (?:de|con)|et|mais|ou|qu['\u2019]en est-il|ma|mas)\b",
    re.IGNORECASE,
)
"""Beginnings of questions that go on from the turns before."""
QUESTION_WORDS = word_set(
    "who whom whose what which when where why how name wer wen wem wessen was welche welcher welches "
    "welchen welchem wann wo wohin woher warum weshalb wieso wie quién quiénes qué cuál cuáles cuándo "
    "dónde adónde cómo cuánto cuánta cuántos cuántas qui que quoi quel quelle quels quelles quand où "
    "pourquoi comment combien chi cosa quale quali quando dove perché come quanto quanti quem qual "
    "quais onde quantos quantas porque"
)
FUNCTION_WORDS = (
    STOP_WORDS
    | PRONOUNS
    | QUESTION_WORDS
    | word_set(
        "after again any because before during even ever happen happened its just more most one only "
        "other per please same say said some still tell there than until up us very was way while "
        "within yes year der die das den dem des ein eine einem einen einer eines und oder aber ist "
        "sind war waren wird werden wurde wurden hat haben hatte hatten kann können konnte soll "
        "sollte muss darf im in am an auf aus bei mit nach von vom vor zu zum zur über unter für "
        "gegen ohne um durch als auch nicht kein keine noch nur sehr so dann wenn dass ob man sich "
        "uns ich du wir ihr es bitte gibt viel viele kurz el la los las un una unos unas y o e u de "
        "del al a en con por para sin sobre entre como es son era eran fue fueron ser está están "
        "estaba ha han había hay se le les lo me te nos que si no ni más muy ya también le la les un "
        "une des du de d l et ou est sont était étaient fut été être a ont avait avec pour par sans "
        "sur sous dans entre au aux ce ces se s n ne pas plus très y en que qui je tu nous vous on t "
        "il lo gli della dei delle del dal nel con per tra fra è sono era ed um uma os as do da dos "
        "das no na nos nas em com por foi eram ao"
    )
)
"""Words that say nothing of what is asked about."""
OPENING_MARKS = "\"'\u201c\u201e\u00ab\u00bf\u00a1( "
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
NAME_RUN = re.compile(r"\w*[A-ZÀ-ÖØ-Þ\d][\w'\u2019&.-]*(?: \w*[A-ZÀ-ÖØ-Þ\d][\w'\u2019&.-]*)*")


def refers_back(question: str) -> bool:
    """Whether the question goes on from the turns before, or refers to something that it does not name."""
    return bool(OPENINGS.match(question)) or any(word in PRONOUNS for word in words(question))


def content_words(text: str) -> list[str]:
    """The words that say what a text is about, as written, without repetitions."""
    found: dict[str, str] = {}
    for match in WORD.finditer(text):
        word = match.group()
        if not FUNCTION_WORDS.issuperset(words(word)):
            found.setdefault(word.lower(), word)
    return list(found.values())


def names(text: str) -> list[str]:
    """The content words written like names: with digits, or a capital that does not begin a sentence."""
    found: dict[str, str] = {}
    for match in WORD.finditer(text):
        word = match.group()
        begins = text[: match.start()].rstrip("\"'\u201c\u201e\u00ab\u00bf\u00a1( ")[-1:] in (
            "",
            ".",
            "!",
            "?",
            ":",
            "\n",
        )
        is_name = any(letter.isupper() or letter.isdigit() for letter in word) and not word.isdigit()
        if is_name and not begins and not FUNCTION_WORDS.issuperset(words(word)):
            found.setdefault(word.lower(), word)
    return list(found.values())


def is_fragment(question: str) -> bool:
    """Whether the question lacks a question word, as `And in 2015?`, or has nothing but one, as `Why?`."""
    said = words(question)
    opening = OPENINGS.match(question)
    rest = question[opening.end() :] if opening else question
    asks = any(word in QUESTION_WORDS for word in words(rest))
    return not content_words(question) or (not asks and (opening is not None or len(said) <= 3))


def name_runs(text: str) -> list[str]:
    """Names of several words, years and numbers, that do not begin the text."""
    return [
        match.group().rstrip(".")
        for match in NAME_RUN.finditer(text)
        if text[: match.start()].strip(OPENING_MARKS)
    ]


def names_its_subject(question: str) -> bool:
    """Whether a name stands before the first word that refers to something, which may then mean it."""
    for match in WORD.finditer(question):
        if PRONOUNS.issuperset(words(match.group())):
            return bool(names(question[: match.start()]))
    return bool(names(question))


def question_phrase(question: str) -> str:
    """The question word with the word after it, such as `what percentage` or `how many`."""
    said = WORD.findall(question)
    for place, word in enumerate(said):
        if word.lower() in QUESTION_WORDS - {"name"}:
            return " ".join(said[place : place + 2])
    return ""
