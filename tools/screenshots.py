"""Write docs/pictures/: the shop with the demo bundle, as a browser shows it.

`python -m tools.screenshots --bundle bundles`, or `make screenshots`. It needs chromium.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LIMIT_BYTES = 200_000
SIZE = (1280, 860)
USER = "1"
BASKET = ["1082185", "995242", "981760"]
PAGES = {
    "shop": ("shop#/aisle/PRODUCE", "light"),
    "product": ("shop#/product/1082185", "light"),
    "profile": ("shop#/profile", "light"),
    "score": ("shop#/score", "dark"),
    "console": ("console", "light"),
}
READINGS = 20
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundles"))
    bundle = parser.parse_args().bundle
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("screenshots: no chromium; `make chromium` installs it with apt-get.")
    PICTURES.mkdir(exist_ok=True)
    with _served(bundle) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        _fill_basket(page, url)
        for name, (address, scheme) in PAGES.items():
            page.emulate_media(
                color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
            )
            page.goto(f"{url}/{address}")
            page.reload()  # another hash alone loads nothing
            page.wait_for_load_state("networkidle")
            expect(page.locator("[aria-busy], .skeleton")).to_have_count(0)
            if name == "console":
                _keep_busy(page, url)
            file = PICTURES / f"{name}.png"
            shot = Image.open(BytesIO(page.screenshot()))
            shot.convert("RGB").quantize(256, kmeans=4, dither=Image.Dither.NONE).save(
                file, optimize=True
            )
            size = file.stat().st_size
            print(f"{file.name}: {size:,} bytes")
            if size > LIMIT_BYTES:
                sys.exit(f"{file}: expected at most {LIMIT_BYTES:,} bytes.")
        browser.close()


@contextmanager
def _served(bundle: Path) -> Iterator[str]:
    """Serve a bundle with a shop, and give its address."""
    command = Path(sys.executable).parent / "rtt2vec-serve"
    with TemporaryDirectory() as events:
        flags = ["--storefront", "on", "--events", events, "--port", "0", "--log-level", "error"]
        with subprocess.Popen(
            [command, "--bundle", bundle, *flags], stdout=subprocess.PIPE, text=True
        ) as process:
            line = process.stdout.readline() if process.stdout else ""
            try:
                yield line.split()[2].rstrip(".")
            finally:
                process.terminate()


def _fill_basket(page: Page, url: str) -> None:
    items = [page.request.get(f"{url}/items/{each}").json()["item"] for each in BASKET]
    page.goto(f"{url}/shop")
    for name, value in (("shop.user", USER), ("shop.basket", items)):
        page.evaluate(
            "([name, value]) => localStorage.setItem(name, value)", [name, json.dumps(value)]
        )


def _keep_busy(page: Page, url: str) -> None:
    """Send some requests between its readings, so that the console has something to draw."""
    for reading in range(READINGS):
        with page.expect_response("**/metrics"):
            for each in BASKET * (5 + reading % 7):
                page.request.post(f"{url}/recommend", data={"user_id": USER, "basket": [each]})


if __name__ == "__main__":
    main()
