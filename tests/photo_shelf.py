"""A photo project as an upload leaves it: six classes of twelve small pictures, four of them seen, on a shelf."""

import csv
from pathlib import Path

from PIL import Image

from niwt_core.birds.drawing import draw

KEY = "photos-of-six-birds"
N_SEEN, N_EACH = 4, 12

#: name -> what it looks like; the last two are unseen.
CLASSES = {
    "redcap": {"crown_color": "red", "back_color": "brown", "belly_color": "white", "tail_shape": "forked"},
    "bluejay": {"crown_color": "blue", "back_color": "blue", "belly_color": "white", "tail_shape": "fanned"},
    "canary": {"crown_color": "yellow", "back_color": "yellow", "belly_color": "yellow", "tail_shape": "forked"},
    "crow": {"crown_color": "black", "back_color": "black", "belly_color": "black", "tail_shape": "fanned"},
    "<b>goldfinch": {"crown_color": "black", "back_color": "yellow", "belly_color": "white", "tail_shape": "fanned"},
    "bluethroat": {"crown_color": "blue", "back_color": "brown", "belly_color": "yellow", "tail_shape": "forked"},
}
CRESTED = {"bluejay", "redcap"}


def words_of(name: str) -> str:
    bird = CLASSES[name]
    return (
        f"a {bird['back_color']} bird with a {bird['crown_color']} crown, a {bird['belly_color']} belly and a "
        f"{bird['tail_shape']} tail"
    )


def write_pictures(root: Path) -> None:
    """Folders of pictures and classes.csv, as a person would upload them."""
    columns = [f"{group}::{value}" for group in next(iter(CLASSES.values())) for value in _values(group)]
    with (root / "classes.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["name", "seen", "description", *columns, "crest"])
        for i, (name, bird) in enumerate(CLASSES.items()):
            shares = [int(bird[column.split("::")[0]] == column.split("::")[1]) for column in columns]
            seen = "seen" if i < N_SEEN else "unseen"
            table.writerow([name, seen, words_of(name), *shares, int(name in CRESTED)])
    for c, (name, bird) in enumerate(CLASSES.items()):
        folder = root / name
        folder.mkdir()
        for i in range(N_EACH):
            Image.fromarray(draw(bird, seed=1000 * c + i, size=96, masks=False).image).save(folder / f"{i:02}.png")


def _values(group: str) -> list[str]:
    return sorted({bird[group] for bird in CLASSES.values()})


def make_shelf(shelf: Path, knowledge: str = "attributes", key: str = KEY) -> Path:
    """Fit the project into shelf/key, its pictures in shelf/key/data; returns its folder."""
    from dataclasses import replace

    from niwt_core.pipeline import FitOptions, fit
    from niwt_core.project import load_project, save_project
    from niwt_core.sources import Source, described, load_images

    folder = shelf / key
    (folder / "data").mkdir(parents=True)
    write_pictures(folder / "data")
    source = Source("folder", Path("data"), knowledge=knowledge)
    there = replace(source, root=folder / "data")
    data = described(there, load_images(there))
    backbone = load_project(Path(__file__).parents[1] / "assets" / "paper_birds").backbone
    project = fit(data, backbone, options=FitOptions(n_views=1, epochs=2, n_samples=16))
    save_project(replace(project, card={**project.card, "source": source.card()}), folder)
    return folder
