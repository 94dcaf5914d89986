"""Pictures in many styles of markup are found by a whole crawl, and what stands for them is not."""

from schema.framework.context import Services
from tests.imagery.markup_site import STYLES, build_markup_site
from tests.imagery.pipeline.conftest import Person, a_worker
from tests.providers.web.fake_site import Site

MIN_RECALL, MAX_DECOYS = 0.97, 0.01


async def test_pictures_are_found_whatever_the_markup(services: Services, person: Person, site: Site) -> None:
    served = build_markup_site(site)
    id = await person.crawl(*served.sources)

    async with a_worker(services):
        crawl = await person.ended(id)

    found = {node["url"] for node in await person.candidates(id) if node["state"] == "STORED"}
    missing = {style: sorted(urls - found) for style, urls in served.truth.items() if urls - found}
    recall = len(served.pictures & found) / len(served.pictures)
    decoys = len(found & served.decoys) / len(found)
    print(f"{len(STYLES)} styles, recall {recall:.3f}, decoys {decoys:.3f}")

    assert len(served.truth) == len(STYLES) >= 60
    assert sum(style.startswith("invented") for style in STYLES) == 10
    assert recall >= MIN_RECALL, missing
    assert decoys <= MAX_DECOYS, sorted(found & served.decoys)
    assert found <= served.pictures | served.decoys
    assert crawl["outcome"]["refused"] == 0, crawl["problems"]
