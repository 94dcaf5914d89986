"""Words with opposite meanings, and words with the same one."""

from functools import cache

from core.stemming import stem

PAIRS = """
open:close,closed,closing,shut start,begin:end,finish,stop before:after above,over:below,under,beneath
more:less,fewer increase,rise,grow:decrease,fall,decline,shrink,reduce win,won,beat,defeat:lose,lost
gain,gained:lose,lost first:last least,minimum:most,maximum
inside,indoor,indoors:outside,outdoor,outdoors internal:external north,northern:south,southern
east,eastern:west,western left:right full:empty fast,faster:slow,slower
high,higher,highest:low,lower,lowest old,older,oldest:new,newer,newest,young,younger,youngest
long,longer,longest:short,shorter,shortest
large,larger,largest,big,bigger,biggest,great,greater:small,smaller,smallest early,earlier:late,later
always:never include,included,includes:exclude,excluded,excludes
accept,accepted,approve,approved:reject,rejected,refuse,refused permanent:temporary buy,bought:sell,sold
arrive,arrival:depart,departure import:export with:without day:night summer:winter hot,warm:cold,cool
light:dark,heavy heavier:lighter hard:soft strong,stronger,strongest:weak,weaker,weakest
cheap,cheaper:expensive,dearer succeed,success:fail,failed,failure add,added:remove,removed
enable,enabled:disable,disabled optional,voluntary:mandatory,compulsory,required,obligatory upper:lower
best,better:worst,worse majority:minority positive:negative present:absent push:pull up:down save:spend
same:different agree:disagree safe:dangerous,unsafe visible:hidden,invisible active:inactive
valid:invalid legal:illegal possible:impossible public:private male:female victory:defeat
allow,allowed,permit,permitted:forbid,forbidden,prohibit,prohibited,banned free:paid even:odd
deep:shallow wide:narrow thick:thin near:far alive:dead rich:poor wet:dry true:false employer:employee
landlord:tenant buyer:seller lend:borrow
"""
"""Words on both sides of a colon are opposites."""
SYNONYMS = """
beat,defeat,defeated shut,close,closes,closed elevator,lift begin,start,commence hold,keep
journey,trip,travel reimburse,reimbursed,refund,refunded,repay employee,staff,worker apartment,flat
car,vehicle,automobile buy,purchase,acquire fix,repair,repairs,mend launch,launched,start
found,founded,establish,established build,construct,built firm,company,business price,cost,costs
end,finish,ends hand,submit,submitted help,assist show,display,shown big,large small,little
quick,fast,rapid under,below,less over,above,more pay,paid,payment guest,visitor tenant,resident
need,require,requires,required return,returned,back annual,year,yearly monthly,month weekly,week daily,day
forbidden,prohibited,banned take,carry,carries maximum,most minimum,least
"""
"""Groups of words with the same meaning."""
PREFIXES = "un", "in", "im", "ir", "dis", "non", "non-"
MIN_PREFIXED_LENGTH = 5


@cache
def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in PAIRS.split():
        one, other = ({stem(word) for word in side.split(",")} for side in pair.split(":"))
        for side, against in ((one, other), (other, one)):
            for word in side:
                found.setdefault(word, set()).update(against)
    return {word: frozenset(words) for word, words in found.items()}


@cache
def _synonyms() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in SYNONYMS.split():
        words = {stem(word) for word in group.split(",")}
        for word in words:
            found.setdefault(word, set()).update(words - {word})
    return {word: frozenset(words) for word, words in found.items()}


def are_opposites(one: str, other: str) -> bool:
    """Whether two stems have opposite meanings: by the list, or by a prefix such as `un`."""
    if other in _opposites().get(one, ()):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= MIN_PREFIXED_LENGTH and any(long == prefix + short for prefix in PREFIXES)


def are_alike(one: str, other: str) -> bool:
    """Whether two stems mean the same: equal, forms of one word, or synonyms of the list."""
    if one == other or other in _synonyms().get(one, ()):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 3
