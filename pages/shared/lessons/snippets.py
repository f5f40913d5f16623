"""The code that a page is made of, with this class and this project filled in; runs as it stands from the repository.

No Streamlit here: a snippet is text, and a test executes each.
"""

from __future__ import annotations

from dataclasses import dataclass

from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described

#: What a described class is called in the snippets; and the one that it is compared with.
NAME, BEFORE = "mine", "before"
#: As many pictures as the page Train judges with, and as many sample images as its loop learns from.
N_PICTURES, N_SAMPLES = 100, 64
N_STEPS = 21


@dataclass(frozen=True)
class Shown:
    """What the page Explain shows.

    Attributes:
        of: the class of the data set whose picture it is; "" for the described one.
        number: which of its pictures, from 0; None for somebody's own picture.
        target: the class that is explained, as a row of the classifier; None for the one that wins.
    """

    of: str = ""
    number: int | None = 0
    target: int | None = None


def code_for(
    page: str, world: World, described: Described, shown: Shown | None = None, before: Described | None = None
) -> str:
    """The code of a page.

    Args:
        page: "describe", "importances", "train", "explain", "which_words" or "what_if".
        shown: for "explain". before: for "what_if", the version that `described` is held against.

    Raises:
        KeyError: another page.
    """
    body = {
        "describe": _describe,
        "importances": lambda described: _IMPORTANCES,
        "train": lambda described: _TRAIN,
        "explain": lambda described: _explain(world, described, shown or Shown()),
        "which_words": lambda described: _WHICH_WORDS,
        "what_if": lambda described: f"{_class(before or described, BEFORE)}\n{_WHAT_IF}",
    }[page](described)
    return f"{_opening(world)}\n{_class(described)}\n{body}"


def _opening(world: World) -> str:
    if world.drawn:
        return (
            "from pathlib import Path\n\n"
            "from niwt_core.project import load_project\n"
            "from niwt_core.worlds.birds import BirdWorld\n"
            "from niwt_core.worlds.described import Described\n\n"
            'project = load_project(Path("assets/paper_birds"))\n'
            "world = BirdWorld(project)"
        )
    return (
        "from niwt_core.project import load_project\n"
        "from niwt_core.worlds.described import Described\n"
        "from niwt_core.worlds.photos import PhotoWorld\n"
        "from niwt_core.worlds.shelf import folder_of\n\n"
        f"folder = folder_of({world.key!r})\n"
        "project = load_project(folder)\n"
        f"world = PhotoWorld(project, {world.key!r}, folder)"
    )


def _class(described: Described, name: str = NAME) -> str:
    picks = "".join(f"        {group!r}: {value!r},\n" for group, value in described.picks.items())
    lines = [f"    text={described.text!r},\n", f"    picks={{\n{picks}    }},\n" if picks else ""]
    lines += [f"    of={described.of!r},\n"] if described.of else []
    return f"{name} = Described(\n{''.join(lines)})"


def _describe(described: Described) -> str:
    reading = (
        """
understood = world.understand(mine.text)
for mark in understood.marks:
    print(understood.text[mark.start : mark.end], "→", mark.label)
"""
        if described.text
        else ""
    )
    return f"""{reading}
row = world.row(mine)  # (1, n_attributes)
importances = project.learner.importances(row)[0]  # (n_channels,)
print("the strongest neurons:", importances.topk(3))
"""


_IMPORTANCES = """
import torch

row = world.row(mine)  # (1, n_attributes)
importances = project.learner.importances(row)[0]  # (n_channels,), predicted
measured = project.importances.values  # (n_seen, n_channels)
cosines = torch.cosine_similarity(measured, importances[None])
nearest = [(project.class_names[i], float(cosines[i])) for i in cosines.argsort(descending=True)[:4]]
print(nearest)
"""

_TRAIN = f"""
from itertools import islice

from niwt_core.transfer import jacobian_importances, transfer_steps
from niwt_core.worlds.trial import features_of, jacobians_of, try_out

row = world.row(mine)  # (1, n_attributes)

# Solved at once.
classifier = project.learner.classifier(["mine"], row)
found = try_out(project, classifier, features_of(world, world.pictures_of(mine, {N_PICTURES}))).found
claimed = try_out(project, classifier, features_of(world, world.strangers(mine))).found
print("found", found, "and claimed", claimed, "strangers")

# The paper's loop: its first {N_STEPS - 1} steps.
target = project.learner.importances(row)  # (1, n_channels)
importances_of = jacobian_importances(jacobians_of(world, {N_SAMPLES}))
steps = transfer_steps(importances_of, target, project.seen.weight, strength=1e-3)
losses = [step.loss for step in islice(steps, {N_STEPS})]
print(losses)
"""

_WHICH_WORDS = """
from niwt_core.laboratory.clauses import leave_one_out

for effect in leave_one_out(world, mine):
    print(effect.clause.words_in(mine.text) or effect.clause.group, effect.weight, effect.fallen())
"""

_WHAT_IF = f"""
from niwt_core.laboratory.whatif import compare, fare
from niwt_core.worlds.trial import features_of

found = compare(world, before, mine)
print("the patterns' cosine:", found.importance_cosine, "and the weights moved by", found.weight_change)
print("the neurons that rose most:", found.moved.topk(3))

pictures = features_of(world, world.pictures_of(mine, {N_PICTURES}))
strangers = features_of(world, world.strangers(mine))
for version in (found.before, found.now):
    print(fare(project, version, None, pictures, strangers))
"""


def _explain(world: World, described: Described, shown: Shown) -> str:
    return f"""
from niwt_core.explanation import explain
from niwt_core.gzsl import join
from niwt_core.images import to_input
{_picture(world, described, shown)}
new = project.learner.classifier(["mine"], world.row(mine))
classifier = join(project.seen, new)
inputs = to_input(picture, project.backbone)[None]
features = project.backbone.head(project.backbone.trunk(inputs))
probabilities = classifier(features)[0].softmax(0)
winner = int(probabilities.argmax())
print(classifier.names[winner], float(probabilities[winner]))

target = {"winner" if shown.target is None else shown.target}
found = explain(project.backbone, inputs, classifier.weight[target], float(classifier.bias[target]))
print("score", found.contributions.score, "from neurons", found.contributions.strongest(5))
heat = found.heat.signed  # (height, width): above 0 speaks for the target, below 0 against it
"""


def _picture(world: World, described: Described, shown: Shown) -> str:
    if shown.number is None:
        return """from niwt_core.images import decode_image
from pathlib import Path

picture = decode_image(Path("picture.png").read_bytes(), "picture.png")  # your own
"""
    of, n = shown.of, shown.number + 1
    if not of and not world.drawn and described.of not in world.project.class_names[world.project.n_seen :]:
        of = world.project.class_names[0]  # there are no pictures of the described class
    source = f"world.pictures({of!r}, {n})" if of else f"world.pictures_of(mine, {n})"
    return f"""
picture = {source}[{shown.number}]"""
