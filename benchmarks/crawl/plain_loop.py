"""A plain loop of aiohttp and Pillow that does to each image what a crawl does, and nothing else.

Run as `python -m benchmarks.crawl.plain_loop FOLDER FILE`: downloads the addresses in the file, one a line.
It decodes each image, computes its SHA-256 and perceptual hash, and writes it and a thumbnail.
"""

import asyncio
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import aiohttp
import cv2
import numpy as np
from PIL import Image, ImageOps

CONNECTIONS, THREADS = 16, 2


def process(content: bytes, folder: Path) -> None:
    """Decodes, hashes and stores one image."""
    with Image.open(BytesIO(content)) as image:
        image.load()
        rgb = ImageOps.exif_transpose(image).convert("RGB")
    digest = hashlib.sha256(content).hexdigest()
    small = np.asarray(rgb.convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.float32)
    low = cv2.dct(small)[:8, :8]
    np.packbits(low > np.median(low)).tobytes()
    rgb.thumbnail((256, 256), Image.Resampling.LANCZOS)
    rgb.save(folder / f"{digest}.webp", "WEBP", quality=80, method=2)
    (folder / f"{digest}.jpg").write_bytes(content)


async def run(folder: Path, urls: list[str]) -> None:
    """All addresses, over so many connections."""
    waiting, loop = asyncio.Queue[str](), asyncio.get_running_loop()
    for url in urls:
        waiting.put_nowait(url)

    async def work(session: aiohttp.ClientSession, threads: ThreadPoolExecutor) -> None:
        while not waiting.empty():
            async with session.get(waiting.get_nowait()) as response:
                content = await response.read()
            await loop.run_in_executor(threads, process, content, folder)

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    with ThreadPoolExecutor(THREADS) as threads:
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session, threads) for _ in range(CONNECTIONS)))


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2]).read_text().split()))
