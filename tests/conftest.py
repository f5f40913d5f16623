"""Small float64 networks and paths that many tests share, and the app in a real browser."""

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from benchmarks.serving import served
from niwt_core.network.backbone import Backbone

CUB_CLASSES = ["001.Red_Bird", "002.Green_Bird", "003.Blue_Bird", "004.Gray_Bird"]
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the app keeps notebooks while tests run: never a person's own."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIWT_DATA", str(folder))
        patch.delenv("NIWT_NOTEBOOK_URL", raising=False)
        yield folder


@pytest.fixture
def small_head() -> nn.Module:
    """A head with two nonlinear layers: (n, 6, 4, 4) -> (n, 5), float64."""
    torch.manual_seed(0)
    head = nn.Sequential(
        nn.Conv2d(6, 8, 3, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten(1), nn.Linear(32, 5), nn.Tanh()
    )
    return head.double().eval()


@pytest.fixture
def small_activations() -> torch.Tensor:
    return torch.randn(7, 6, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def backbone_of() -> Callable[[nn.Module], Backbone]:
    """A backbone with no trunk of its own around a small head that takes (n, channels, 2, 2)."""

    def build(head: nn.Module) -> Backbone:
        n_channels = next(m for m in head.modules() if isinstance(m, nn.Conv2d)).in_channels
        with torch.no_grad():
            n_features = copy.deepcopy(head).eval()(torch.zeros(1, n_channels, 2, 2)).shape[1]
        black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        sizes = {"channels": (n_channels,), "n_features": n_features, "grid": (2, 2)}
        return Backbone("small", "trunk", nn.Identity(), head, image_size=2, mean=black, std=white, **sizes)

    return build


@pytest.fixture
def shared_data() -> Path:
    """Real photos and weights, which only some machines have."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the photos and ImageNet weights of ../shared are not on this machine")
    return SHARED


def _missing(reason: str) -> None:
    """Skip a browser test, or fail it where the browser is part of what is tested."""
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that many tests share."""
    with served(tmp_path_factory.mktemp("app") / "server.log") as url:
        yield url


@pytest.fixture
def fresh_app_url(tmp_path: Path) -> Iterator[str]:
    """A server that nobody has visited yet."""
    with served(tmp_path / "server.log") as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A Chromium without network chatter; tests open their own pages in it."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(executable).exists():
        _missing(f"there is no Chromium at {executable} (set CHROMIUM to its path)")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=executable,
                args=[
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-background-networking",
                    "--disable-renderer-backgrounding",  # a page that is thought hidden would stop to be painted
                    "--disable-backgrounding-occluded-windows",
                ],
            )
        except Error as error:
            _missing(f"Chromium at {executable} does not start: {str(error)[:200]}")
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Any) -> Iterator[Any]:
    """A fresh visitor at 1280 x 900. The test fails if the page logged an error or showed a traceback."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []

    def note(message: Any) -> None:
        # On a page's own address Streamlit's browser code looks for the server below that address first: not ours. Nor
        # are pictures of a page that was left before they came: the server has let them go. See `_broken_pictures`.
        theirs = any(part in message.location.get("url", "") + message.text for part in ("/_stcore/", "/media/"))
        if message.type == "error" and not theirs:
            errors.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    shown = page.locator('[data-testid="stException"]').all_inner_texts()
    broken = _broken_pictures(page)
    context.close()
    assert not shown, f"The page shows an error: {shown}"
    assert not broken, f"Pictures of the page did not come: {broken}"
    assert not errors, f"The browser's console has errors: {errors}"


def _broken_pictures(page: Any) -> list[str]:
    """What the pictures show that the page has and that do not come, a few seconds after the test."""
    broken: list[str] = []
    for _ in range(20):
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.alt)")
        if not broken:
            break
        page.wait_for_timeout(250)  # a page that is being made may still hold pictures of the one before
    return broken


@pytest.fixture(scope="session")
def small_data():
    """Paper Birds in small: 8 seen and 3 unseen species, a few drawings each."""
    from niwt_core.birds.attributes import ATTRIBUTE_NAMES
    from niwt_core.birds.species import make_species
    from niwt_core.birds.world import drawings_of, species_attributes
    from niwt_core.datasets import ZeroShotData

    species = make_species(8, 3)
    birds = [s.attributes for s in species]
    return ZeroShotData(
        name="birds",
        class_names=tuple(s.name for s in species),
        n_seen=8,
        attributes=species_attributes(species),
        attribute_names=ATTRIBUTE_NAMES,
        train=drawings_of(birds[:8], 3, 0),
        test_seen=drawings_of(birds[:8], 2, 1000),
        test_unseen=drawings_of(birds[8:], 2, 2000, first_label=8),
    )


@pytest.fixture(scope="session")
def small_project(small_data):
    """The whole fit on the small world, from random weights: real, quick, and of no use as a classifier."""
    from niwt_core.network.backbone import load_backbone
    from niwt_core.pipeline import FitOptions, fit

    torch.manual_seed(0)
    backbone = load_backbone("paper_bird_net", "features.stage4")
    return fit(small_data, backbone, options=FitOptions(n_views=1, epochs=2, n_samples=6))


@pytest.fixture(scope="session")
def photo_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shelf with one photo project, `photo_shelf.KEY`; shared: leave it as it is."""
    from photo_shelf import make_shelf

    return make_shelf(tmp_path_factory.mktemp("shelf")).parent


@pytest.fixture
def photo_key(photo_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the photo project, for the address; the app finds its shelf."""
    from photo_shelf import KEY

    monkeypatch.setenv("NIWT_PROJECTS", str(photo_shelf))
    return KEY


@pytest.fixture
def cub(tmp_path):
    """A CUB folder in the official layout: four classes of coloured squares, two of them seen."""
    images, labels, tests = [], [], []
    for c, name in enumerate(CUB_CLASSES):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (8, 8), (80 * c, 10, 10)).save(folder / f"{i}.jpg")
            images.append(f"{len(images) + 1} {name}/{i}.jpg")
            labels.append(f"{len(images)} {c + 1}")
            tests.append(f"{len(images)} {int(i > 0)}")
    (tmp_path / "images.txt").write_text("\n".join(images))
    (tmp_path / "image_class_labels.txt").write_text("\n".join(labels))
    (tmp_path / "train_test_split.txt").write_text("\n".join(tests))
    (tmp_path / "classes.txt").write_text("\n".join(f"{i + 1} {n}" for i, n in enumerate(CUB_CLASSES)))
    (tmp_path / "attributes").mkdir()
    (tmp_path / "attributes" / "attributes.txt").write_text("1 has_color::red\n2 has_color::gray\n")
    np.savetxt(tmp_path / "attributes" / "class_attribute_labels_continuous.txt", [[30, 40], [0, 5], [1, 0], [6, 8]])
    splits = tmp_path / "splits"
    splits.mkdir()
    (splits / "trainvalclasses.txt").write_text("003.Blue_Bird\n001.Red_Bird\n")
    (splits / "testclasses.txt").write_text("004.Gray_Bird\n")
    (splits / "test_seen_images.txt").write_text("001.Red_Bird/1.jpg\n003.Blue_Bird/2.jpg\n")
    return tmp_path
