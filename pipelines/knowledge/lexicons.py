"""English stop words, and the words of topics and document categories."""

import re

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about above after again against all also although am among an and any are as at be because "
        "been before being below between both but by can could did do does doing done down during "
        "each either else etc even ever every few for from further get go got had has have having he "
        "her here hers herself him himself his how however i if in into is it its itself just know "
        "let like little made make many may me might more most much must my myself no nor not now of "
        "off on once one only or other our ours out over own per quite rather said same say see shall "
        "she should since so some still such take than that the their theirs them themselves then "
        "there these they thing things this those though through thus to too two under until up upon "
        "us use used using very was way we well went were what when where whether which while who "
        "whole whom whose why will with within without would yes yet you your yours",
    )
)

TOPICS = {
    "construction": (
        "building construction contractor concrete beam column floor wall roof drawing masonry steel"
    ),
    "energy": "energy solar wind hydro electricity renewable power grid fuel emission kilowatt turbine",
    "finance": (
        "loan credit interest bank investment financial mortgage income asset fund payment borrower tax"
    ),
    "law": "law court contract agreement party liability clause legal regulation statute rule compliance",
    "health": "health patient medical disease treatment hospital clinical immune drug doctor symptom",
    "software": "software code server database user interface function api version programming file computer",
    "aviation": "aircraft airplane flight pilot airline airport engine airworthiness aviation crew",
    "education": "school student teacher university education course college learning academic",
    "history": "century war empire king emperor dynasty army revolution battle treaty historical",
    "geography": "river mountain region population city climate coast lake island valley rainfall",
    "science": (
        "theory experiment physics force chemical oxygen molecule particle equation biology species cell"
    ),
    "religion": "church god religious islam christian bible faith priest catholic muslim doctrine",
    "sports": "game team season league championship player coach football match score",
    "business": (
        "company market customer product sales management strategy business revenue employee supplier"
    ),
    "environment": "environment pollution forest water conservation waste climate ecosystem soil",
    "safety": "safety hazard fire inspection accident risk protective emergency warning",
}
"""Words of each topic, in the singular."""

CATEGORIES = {
    "contract": "agreement party parties hereby herein shall termination witnesseth obligations indemnify",
    "invoice": "invoice amount due total subtotal vat payment quantity bill remittance",
    "policy": "policy procedure must responsibility compliance scope applies guidelines employees",
    "regulation": "federal register rule regulation directive proposed comment cfr docket amendment section",
    "report": "report findings results analysis summary conclusion figure table quarter annual",
    "manual": "install installation click configure step instructions settings guide maintenance operating",
    "specification": (
        "specification requirements shall tolerance material dimensions standard compliance installed"
    ),
    "release notes": "fix issue feature version release bug added deprecated changes support",
    "correspondence": "dear sincerely regards letter yours email sent",
    "literature": "chapter cried thought replied exclaimed poor dear looked voice quite",
    "research": "abstract method hypothesis experiment results references study data significance",
}
"""Words that are frequent in each category of documents."""
