"""Words of questions about a drawing session, in English and German, without accents."""

from enum import Enum

from pipelines.chat.row_questions.patterns import fold
from pipelines.chat.session_questions.name_patterns import word_set

__all__ = ["FILLERS", "PHRASES", "TOPICS", "Topic", "fold"]


class Topic(Enum):
    """What words of a question are about."""

    CHANGE = "change"
    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    FILL = "fill"
    MOVED = "moved"
    RENAMED = "renamed"
    RESIZED = "resized"
    REPLACED = "replaced"
    COUNT = "count"
    ASKS_WHAT = "what"
    LIST = "list"
    SHEETS = "sheets"
    MOST = "most"
    FEWEST = "fewest"
    MORE = "more"
    UNCHANGED = "unchanged"
    NOT = "not"
    NOTHING = "nothing"
    ANYTHING = "anything"
    WHERE = "where"
    CONFIDENCE = "confidence"
    LOW = "low"
    FAILED = "failed"
    ONLY = "only"
    UNPAIRED = "unpaired"
    BOTH = "both"
    NEW_SET = "new set"
    OLD_SET = "old set"
    WORDS = "words"
    CRITICAL = "critical"
    SHARE = "share"
    EXIST = "exist"
    SUMMARY = "summary"
    TOTAL = "total"
    SCORE = "score"


TOPICS: dict[Topic, frozenset[str]] = {
    Topic.CHANGE: word_set(
        "affected touched reworked redrawn corrected adjusted adjustment adjustments amended "
        "amendment amendments abgeandert angepasst anpassung anpassungen korrigiert korrektur "
        "korrekturen bearbeitet betroffen change changes changed changing difference differences "
        "different differ differs revise revised edits edited altered alteration alterations "
        "update updates updated happened happen delta deltas deviation deviations anderung "
        "anderungen geandert geanderte geanderten geanderter andert andern verandert veranderung "
        "veranderungen unterschied unterschiede unterschieden unterscheidet unterscheiden anders "
        "abweichung abweichungen uberarbeitet passiert neuerung neuerungen getan"
    ),
    Topic.MODIFIED: word_set(
        "modification modifications modified modify modifiziert modifizierte modifikation modifikationen"
    ),
    Topic.ADDED: word_set(
        "hinzukommt erganzen hinzufugen added addition additions add adds new inserted insertion "
        "insertions introduced extra newly appeared hinzugefugt hinzugefugte hinzugefugten "
        "hinzugekommen hinzugekommene hinzu hinzufugung hinzufugungen dazugekommen dazugekommene "
        "dazu neu neue neuer neues neuen neuem erganzt erganzte erganzung erganzungen eingefugt "
        "zugefugt zusatzlich zusatzliche zusatzlichen hinzukommen hinzukam hinzukamen"
    ),
    Topic.REMOVED: word_set(
        "vanished erased struck entfernen loschen wegfall wegfallt rausgenommen herausgenommen "
        "removed removal removals remove removes deleted deletion deletions delete gone dropped "
        "missing disappeared lost eliminated omitted withdrawn taken_out cut entfernt entfernte "
        "entfernten entfernung entfernungen entfallen entfallt entfiel entfielen entfallene "
        "entfallenen geloscht geloschte geloschten loschung loschungen weggefallen weggefallene "
        "wegfallen weg gestrichen verschwunden fehlt fehlen fehlende rausgefallen herausgefallen "
        "weggelassen"
    ),
    Topic.FILL: word_set("fill fills filled hatch hatches hatching schraffur schraffuren fullung fullungen"),
    Topic.MOVED: word_set("moved move moves shifted relocated displaced verschoben verschobene verschiebung"),
    Topic.RENAMED: word_set(
        "renumbered renumber umnummeriert new_number neue_nummer renamed rename relabelled "
        "umbenannt umbenannte umbenennung"
    ),
    Topic.RESIZED: word_set("resized resize enlarged shrunk vergrossert verkleinert"),
    Topic.REPLACED: word_set(
        "replaced replace replaces replacement instead instead_of became become becomes "
        "turned_into ersetzt ersetzte ersetzen ersatz statt anstatt anstelle stattdessen geworden"
    ),
    Topic.COUNT: word_set("how_many number_of count number amount_of wie_viele wieviele anzahl zahl zahle"),
    Topic.ASKS_WHAT: word_set(
        "what whats which welche welcher welches welchen welchem was_de wodurch womit wozu"
    ),
    Topic.LIST: word_set(
        "list show give tell name enumerate display liste zeig zeige nenn nenne zahl_auf "
        "auflisten aufzahlen sag sage gib"
    ),
    Topic.SHEETS: word_set(
        "sheet sheets drawing drawings plan plans page pages comparison comparisons pair pairs "
        "dwg blatt blatter blattern blattes plane planen seite seiten zeichnung zeichnungen "
        "vergleich vergleiche vergleichen vergleichs paar paare one welches_blatt"
    ),
    Topic.MOST: word_set(
        "top starkste am_starksten strongest heaviest heavily most largest biggest greatest "
        "highest maximum max main major meiste meisten am_meisten grosste grossten grosster "
        "hochste hochsten starksten maximal"
    ),
    Topic.FEWEST: word_set(
        "fewest least smallest minimum min wenigsten am_wenigsten wenigste geringsten geringste "
        "kleinste kleinsten minimal"
    ),
    Topic.MORE: word_set("more fewer less mehr weniger"),
    Topic.UNCHANGED: word_set(
        "dasselbe dieselbe dieselben derselbe genauso beim_alten unchanged same identical "
        "untouched unmodified unaffected equal stayed_the_same unverandert unveranderte "
        "unveranderten unveranderter gleich gleichen identisch identische identischen "
        "gleichgeblieben unangetastet unberuhrt"
    ),
    Topic.NOT: word_set("not no none without never nicht ohne kein keine keinen keinem keiner keinerlei"),
    Topic.NOTHING: word_set("nothing nichts"),
    Topic.ANYTHING: word_set(
        "irgendwelchen irgendein irgendeine anything something any etwas irgendetwas irgendwas "
        "irgendwelche was_auch_immer at_all uberhaupt"
    ),
    Topic.WHERE: word_set(
        "whereabouts wohin woran where location locations area areas region regions place places "
        "spot spots position positions part parts located wo stelle stellen bereich bereiche "
        "bereichen ort orte orten positionen teil teile teilen"
    ),
    Topic.CONFIDENCE: word_set(
        "ausrichtungswert ausrichtungsgute alignment_score worked work works funktioniert "
        "geklappt gelungen reliable reliably reliability confidence confident confidently trust "
        "trustworthy certain certainty sure alignment aligned align well good accurate accuracy "
        "precise quality line_up fit fits match matched registered registration zuverlassig "
        "zuverlassigkeit verlasslich verlasslichkeit vertrauen vertraue trauen sicher sicherheit "
        "konfidenz ausrichtung ausgerichtet gut genau genauigkeit passen passt qualitat "
        "deckungsgleich deckung belastbar aufeinander ubereinander"
    ),
    Topic.SCORE: word_set("score scores wert punktzahl"),
    Topic.LOW: word_set(
        "wrong problem problems problematic problematisch probleme falsch low poor poorly "
        "doubtful uncertain unreliable bad badly unsure questionable weak niedrig niedrige "
        "niedriger niedrigen niedrigem gering geringe geringer geringen unsicher unsichere "
        "unsicheren schlecht schlechte schlechter schlechten zweifelhaft zweifelhafte "
        "zweifelhaften unzuverlassig unzuverlassige"
    ),
    Topic.FAILED: word_set(
        "failing scheitert gescheiterte failed fail failure failures fehlgeschlagen "
        "fehlgeschlagene gescheitert scheitern fehler not_compared nicht_verglichen unreadable "
        "unlesbar"
    ),
    Topic.ONLY: word_set("only solely exclusively nur ausschliesslich lediglich"),
    Topic.UNPAIRED: word_set(
        "unpaired unmatched counterpart counterparts partner gegenstuck gegenstucke entsprechung "
        "entsprechungen unpaarig ungepaart"
    ),
    Topic.BOTH: word_set("both beide beiden beider"),
    Topic.NEW_SET: frozenset({"new_set"}),
    Topic.OLD_SET: frozenset({"old_set"}),
    Topic.WORDS: word_set(
        "word words text texts label labels lettering wording string strings wort worter wortern "
        "texte texten beschriftung beschriftungen begriff begriffe bezeichnung bezeichnungen"
    ),
    Topic.CRITICAL: word_set("critical kritisch kritische kritischen kritischer kritisches"),
    Topic.SHARE: word_set("share percent percentage proportion ratio anteil prozent prozentsatz how_much"),
    Topic.EXIST: word_set(
        "exist exists existing contain contains contained include includes included appear "
        "appears occur occurs found available mention mentions stand stands gibt existiert "
        "existieren vorhanden enthalten enthalt vorkommt vorkommen steht stehen erscheint taucht "
        "kommt befindet"
    ),
    Topic.SUMMARY: word_set(
        "summary summarise summarize overview overall sum_up digest zusammenfassung "
        "zusammenfassen fasse uberblick ubersicht ergebnis result results ergebnisse"
    ),
    Topic.TOTAL: word_set(
        "total altogether all every each whole entire insgesamt gesamt alle allen aller ganzen"
    ),
}
FILLERS = word_set(
    "listed alles hoch high big great sehr "
    "want wants need needs know like explain describe report provide write quickly quick short "
    "brief briefly detail details detailed everything right correct before after again once "
    "previously earlier compare compares look check review regarding concerning respect when "
    "comes come came go goes going take takes taken place let lets dear kindly wonder wondering "
    "interested think believe help understand question mochte mochten wissen brauche brauchen "
    "erklare erklaren beschreibe kurz knapp genauer naher einzeln vorher zuvor davor danach "
    "nachher damals fruher zusammen bezuglich hinsichtlich betreffend geht gehen ging lass lasst "
    "bezug interessiert frage verstehen vor nach richtig stimmt oder doch etwa wohl namlich schon "
    "immer mehrere gab kamen wieso_nicht a an the of on in for at to from by with within between "
    "about into as per and or but if then than that this these those there here it its they them "
    "their how is are was were be been being do does did done has have had can could should would "
    "will may might get got gets you your me my i we us our please just really so also still now "
    "currently actually exactly s ve re d ll hi hello hey thanks thank ok okay side things thing "
    "items item stuff elements element objects object entries entry kind kinds type types version "
    "versions revision revisions set sets issue issues session file files pdf compared comparing "
    "made make find found see seen looks called versus vs against up out off down over across "
    "under through who old latest later current two number numbers der die das den dem des ein "
    "eine einen einem einer eines und aber wenn dann als dass dies diese diesem dieser dieses "
    "diesen hier da dort es sie er ihr ihre ihrem ihren sein seine ist sind war waren wird werden "
    "wurde wurden worden sei hat haben hatte hatten kann konnen konnte konnten soll sollte mir "
    "mich ich wir uns unser bitte mal denn auch noch jetzt aktuell derzeit genau auf im am aus "
    "bei von vom zu zum zur fur mit uber unter zwischen pro je gegen um bis sich geblieben blieb "
    "bleiben gekommen kam dinge ding sachen sache elemente objekte objekt stand stande versionen "
    "revisionen satz satze fassung fassungen plansatz sitzung datei dateien verglichen "
    "vergleichen vergleiche gemacht finden findet finde sehen siehe alt alte alten altes alter "
    "neuer ganz sehr wie viel eigentlich gegenuber zwei nr name namens heisst stayed remained "
    "remain stay stays remains tragen halten"
)
PHRASES: tuple[tuple[str, str], ...] = (
    (
        r"\b(?:the )?(?:new|newer|later|latest|current|second) "
        r"(?:drawing set|plan set|set|revision|version|issue|file|pdf|drawings|plans)\b",
        "new_set",
    ),
    (
        r"\b(?:the )?(?:old|older|earlier|previous|former|first|original) "
        r"(?:drawing set|plan set|set|revision|version|issue|file|pdf|drawings|plans)\b",
        "old_set",
    ),
    (
        r"\b(?:neue[nrsm]?|neuere[nr]?|aktuelle[nrsm]?|zweite[nrs]?) "
        r"(?:satz|plansatz|stand|planstand|revision|version|fassung|ausgabe|datei)\b",
        "new_set",
    ),
    (
        r"\b(?:alte[nrsm]?|altere[nr]?|bisherige[nrsm]?|vorherige[nrsm]?|fruhere[nrsm]?|erste[nrsm]?) "
        r"(?:satz|plansatz|stand|planstand|revision|version|fassung|ausgabe|datei)\b",
        "old_set",
    ),
    (
        r"\b(?:could|can) ?not be compared\b|\bcouldn t be compared\b|\bnot (?:been )?compared\b",
        "not_compared",
    ),
    (r"\bnicht verglichen(?: werden)?\b", "nicht_verglichen"),
    (r"\b(?:the )?(?:old and (?:the )?new|new and (?:the )?old)(?: ones?)?\b", "versions"),
    (r"\balte?[nrsm]? und (?:de[rmn] |die |das )?neue?[nrsm]?\b", "versions"),
    (r"\bneue?[nrsm]? und (?:de[rmn] |die |das )?alte?[nrsm]?\b", "versions"),
    (r"\b(?:new|other|different) numbers?\b", "new_number"),
    (r"\b(?:neuen?|anderen?) nummern?\b", "neue_nummer"),
    (r"\bbeim alten\b", "beim_alten"),
    (r"\balignment score\b", "alignment_score"),
    (r"\bam starksten\b", "am_starksten"),
    (r"\bhow many\b|\bnumber of\b|\bcount of\b|\bamount of\b", "how_many"),
    (r"\bwie ?viele?\b(?= (?:andert|hat sich))", "how_much"),
    (r"\bwie ?viele?n?\b", "wie_viele"),
    (r"\bhow much\b", "how_much"),
    (r"\binstead of\b", "instead_of"),
    (r"\btaken (?:out|away|off)\b|\bcut out\b|\bleft out\b", "taken_out"),
    (r"\bat all\b", "at_all"),
    (r"\bam meisten\b", "am_meisten"),
    (r"\bam wenigsten\b", "am_wenigsten"),
    (r"\blines? up\b", "line_up"),
    (r"\bsum up\b", "sum_up"),
    (r"\bturned into\b", "turned_into"),
    (r"\bzahle? (?:mir )?(?:auf)?\b(?=.* auf$)", "zahl_auf"),
)
"""Phrases that are one word, on folded text."""
