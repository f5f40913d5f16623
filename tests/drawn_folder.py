"""A folder of drawn birds, as a person would upload it: nine seen and three unseen species, a few pictures of each."""

import csv
from pathlib import Path

from PIL import Image

from niwt_core.birds.attributes import ATTRIBUTE_NAMES, encode
from niwt_core.birds.drawing import draw
from niwt_core.birds.species import make_species

N_SEEN, N_UNSEEN = 9, 3


def write_drawn_folder(root: Path, n_each: int = 6) -> None:
    """Class folders and classes.csv in a new folder."""
    species = make_species(N_SEEN, N_UNSEEN)
    root.mkdir()
    with (root / "classes.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["name", "seen", *ATTRIBUTE_NAMES])
        for i, bird in enumerate(species):
            seen = "seen" if i < N_SEEN else "unseen"
            table.writerow([bird.name, seen, *(int(v) for v in encode(bird.attributes))])
    for c, bird in enumerate(species):
        (root / bird.name).mkdir()
        for i in range(n_each):
            picture = draw(bird.attributes, seed=1000 * c + i, size=64, masks=False).image
            Image.fromarray(picture).save(root / bird.name / f"{i:02}.png")
