"""How it works: each step's equation with the numbers of this very class, as Markdown. No Streamlit here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from niwt_core.explanation import Explanation
from niwt_core.project import Project
from niwt_core.transfer import jacobian_importances
from niwt_core.wording.saying import is_embedded
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described
from pages.shared.wording import listed, plain

if TYPE_CHECKING:
    from pages.shared.jobs.training import Point
    from pages.shared.learning.lesson import Lesson

#: How many neurons and attributes are named as examples.
N_NAMED = 3


def describing(world: World, described: Described) -> str:
    """Words -> a row of numbers: what stands in it for this class."""
    project, row = world.project, world.row(described)[0]
    mean = project.descriptions[: project.n_seen].mean(0)
    unlike = (row - mean).abs()
    named = [i for i in unlike.argsort(descending=True).tolist() if not is_embedded(project.attribute_names[i])]
    said = [i for i in named if unlike[i] > 1e-6]
    is_open = [i for i in named if unlike[i] <= 1e-6]
    shown = "".join(f"- {_entry(world, row, i)}\n" for i in said[:N_NAMED])
    if is_open:
        shown += f"- {_entry(world, row, is_open[0])}: left open, so it stands at the mean of the known classes\n"
    share = f"{len(said)} of them say something about your {world.noun}" if named else "they come from the whole text"
    return (
        f"The maps of the next steps read numbers, not words. Your description becomes a row $a$ of $A={len(row)}$ "
        f"numbers; {share}.\n\n{shown}\n"
        f"From $a$ a table of {len(row):,} × {project.backbone.n_channels:,} numbers, learned from the "
        f"{project.n_seen} known classes, makes the pattern below. How, the next page says."
    )


def _entry(world: World, row: Tensor, i: int) -> str:
    return f"$a_{{{i}}} = {float(row[i]):.2f}$ for “{plain(world.called(world.project.attribute_names[i]))}”"


def importing(world: World, described: Described) -> str:
    """A row -> importances: the equation, and the strongest neuron's number taken apart."""
    project, row = world.project, world.row(described)
    learner = project.learner
    linear = learner.to_importances
    raw, alpha = linear(row)[0], learner.importances(row)[0]
    strongest = alpha.argsort(descending=True)[:N_NAMED].tolist()
    k = strongest[0]
    terms = (row[0] - linear.input_mean) * linear.matrix[:, k]
    names = project.attribute_names
    named = [i for i in terms.abs().argsort(descending=True).tolist() if not is_embedded(names[i])]
    named = [i for i in named if abs(float(terms[i])) > 1e-6][:N_NAMED]
    rest = float(terms.sum() - terms[named].sum())
    parts = [f"${_sign(float(terms[i]))}$ for “{plain(world.called(names[i]))}”" for i in named]
    parts += [f"${_sign(rest)}$ for the rest"] if abs(rest) > 5e-4 else []
    nearest, cosine = _nearest(project, alpha)
    return (
        "The importance of a neuron for a class is how much the class’s score changes when that neuron is turned up "
        f"everywhere in the picture. For the {project.n_seen} known classes it is measured. For your {world.noun} it "
        "is predicted:\n\n"
        r"$$\hat{\alpha} = \ell \cdot \frac{y}{\lVert y \rVert}, \qquad y = (a - \bar{a})\,W + \bar{\alpha}$$"
        "\n\n"
        f"- $a$ is your description, $A={row.shape[1]}$ numbers; $\\bar a$ is its mean over the known classes.\n"
        f"- $W$ is a table of $A \\times K$ numbers, $K={len(alpha)}$ neurons, found by ridge regression on the known "
        "classes; $\\bar\\alpha$ is their mean pattern at length 1.\n"
        f"- $\\ell={learner.importance_length:.2f}$ is how long measured patterns are on average, and "
        f"$\\lVert y\\rVert={float(raw.norm()):.3f}$.\n\n"
        f"The strongest is neuron {k}: $y_{{{k}}} = {float(raw[k]):.3f}$. That is ${float(linear.output_mean[k]):.3f}$ "
        f"on average over the known classes, {listed(parts)}. So $\\hat\\alpha_{{{k}}} = "
        f"{learner.importance_length:.2f} \\cdot {float(raw[k]):.3f} / {float(raw.norm()):.3f} = "
        f"{float(alpha[k]):.2f}$. {_following(alpha, strongest[1:])}\n\n"
        "Two patterns are compared by the cosine of the angle between them: 1 is the same pattern, 0 has nothing in "
        f"common. To {plain(nearest)}, the nearest, it is ${cosine:.3f}$."
    )


def _nearest(project: Project, alpha: Tensor) -> tuple[str, float]:
    cosines = nn.functional.cosine_similarity(project.importances.values, alpha[None])
    best = int(cosines.argmax())
    return project.class_names[best], float(cosines[best])


def _following(values: Tensor, channels: list[int]) -> str:
    return "Next come " + listed(f"neuron {k} (${float(values[k]):.2f}$)" for k in channels) + "."


def training(lesson: Lesson, noun: str, now: Point | None, strength: float) -> str:
    """Importances -> weights: the loss and the closed form, and where they stand for this class.

    Args:
        now: the loop's last step; None before the first.
        strength: lambda of the loop.
    """
    project, learner = lesson.project, lesson.project.learner
    n_images, n_features, n_channels = lesson.jacobians.shape
    solved = learner.classifier([noun], lesson.description).weight
    reached = jacobian_importances(lesson.jacobians)(solved)[0].mean(0)
    cosine = float(nn.functional.cosine_similarity(reached, lesson.target[0], dim=0))
    reached = reached * (lesson.target.norm() / reached.norm())
    strongest = lesson.target[0].argsort(descending=True)[:N_NAMED].tolist()
    asked = listed(
        f"neuron {k} is asked for ${float(lesson.target[0, k]):.2f}$ and has ${float(reached[k]):.2f}$"
        for k in strongest
    )
    gram = learner.closed_form.statistics.gram
    t = float(gram.trace()) / len(gram)
    stands = (
        f"\n\nAt iteration {now.iteration} the two parts are ${now.cosine:.4f}$ and ${now.regulariser:.4f}$, together "
        f"${now.loss:.4f}$.\n\n"
        if now is not None
        else "\n\n"
    )
    return (
        "A class is a row of weights $w$ on the network’s last layer. With weights $w$, picture $x$ has the neuron "
        "importances $M(x)^\\top w$: linear in $w$, with a matrix $M(x)$ that belongs to the picture and not to the "
        "class. The words gave a target $p$. The loop turns $w$ until the importances point along $p$, on "
        f"{n_images} pictures of **other** classes, and stays near the mean $\\bar w$ of the known ones:\n\n"
        rf"$$\begin{{aligned}}&\frac{{1}}{{{n_images}}}\sum_{{i=1}}^{{{n_images}}}"
        r"\bigl(1-\cos(M(x_i)^\top w,\;p)\bigr)\\"
        rf"&+\frac{{{strength:g}}}{{2}}\cdot\frac{{\lVert w-\bar w\rVert^2}}{{D\,\sigma^2}}\end{{aligned}}$$"
        f"{stands}"
        f"Here $w$ has $D={n_features}$ numbers, $p$ has $K={n_channels}$, and $\\sigma$ is the spread of the known "
        "classes’ weights. The loop (Adam) stops when 40 iterations bring less than 1 %, the paper’s rule. Because the "
        "importances are linear in $w$, the squared form of the same aim needs no loop at all:\n\n"
        r"$$\begin{aligned}w &= w_0 + \bigl(G+\lambda t I\bigr)^{-1}\bigl(\bar M p - G\,w_0\bigr)\\"
        r"G &= \overline{M M^\top}\\"
        rf"t &= \operatorname{{tr}}(G)/D = {_latex(t)},\quad \lambda={learner.settings.strength:g}\end{{aligned}}$$"
        "\n\n"
        f"Solved like that, the importances of your {noun} have a cosine of ${cosine:.3f}$ to the target, on average "
        f"over the pictures. The neurons that the words ask for most, both at the same length: {asked}.\n\n"
        f"$w_0$ is a first guess: from the words a map predicts where your {noun} lies among the known classes, and "
        f"$w_0$ points there; its length is ${float(learner.prior(lesson.description).norm()):.2f}$. $\\lambda$ says "
        "how near to stay to it; it was chosen once, in a rehearsal where known classes, kept from the network, played "
        "new ones. Both ways end with the same last touch: the weights get the length of $w_0$"
        + (f" times {learner.settings.stretch:g}" if learner.settings.stretch != 1 else "")
        + f", and a threshold halfway between your {noun} and the rest, moved by ${_sign(learner.constant(1))}$, which "
        "the rehearsal chose as well: otherwise the known classes, which the network was trained on, would win too "
        f"often. So even weights by chance find many pictures of your {noun}; but they claim most strangers, too."
        f" The classifier then chooses among {project.n_seen + 1} classes."
    )


def explaining(found: Explanation, name: str, probability: float) -> str:
    """A score taken apart: this picture's, for one class.

    Args:
        found: of the picture, for the class. name: of the class. probability: that the softmax gives it.
    """
    parts = found.contributions
    strongest = parts.strongest(N_NAMED)
    named = listed(
        f"neuron {k} ${_sign(value)}$ (importance ${_sign(float(found.heat.importances[k]))}$)"
        for k, value in strongest
    )
    total = float(parts.values.sum())
    return (
        f"The score of **{plain(name)}** for this picture is taken apart by neuron and by place:\n\n"
        r"$$s = \sum_{k=1}^{K}\sum_{x,y} \frac{\partial s}{\partial A_k(x,y)}\,A_k(x,y) \;+\; b \;+\; r$$"
        "\n\n"
        f"- $A_k(x,y)$ is how active neuron $k$ is at a place, $K={len(parts.values)}$ neurons; the derivative says "
        "how much the score rises with it. Summed over places it is the importance $\\alpha_k$; multiplied place by "
        "place it is what the neuron adds. The map does the same at finer layers, to tell smaller parts apart.\n"
        f"- All neurons together give ${_sign(total)}$. The largest are {named}.\n"
        f"- $b={_sign(parts.bias)}$ belongs to the class and not to the picture; $r={_sign(parts.remainder)}$ is what "
        "no neuron accounts for.\n\n"
        f"Together: $s = {total:.2f} {_sign(parts.bias)} {_sign(parts.remainder)} = {parts.score:.2f}$. The scores of "
        f"all classes become probabilities, $e^{{s}}$ divided by the sum of all: here ${100 * probability:.1f}$ of 100."
    )


def _sign(value: float) -> str:
    """A number with its sign, for formulas."""
    digits = f"{abs(value):.2f}" if abs(value) >= 0.1 else f"{abs(value):.3f}"
    return f"{'-' if value < 0 else '+'}{digits}"


def _latex(value: float) -> str:
    """Three significant figures, as people write them."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if exponent else mantissa
