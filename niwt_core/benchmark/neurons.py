"""Figures on the dictionary of neurons: how many names are clear, how many are true, and how far confidence holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from niwt_core.benchmark.tables import table
from niwt_core.birds.probing import BENCHMARK_SEED, make_bird_dictionary, redraw
from niwt_core.neurons.causal import LEAST_ERRORS, Effects, effects_of, passes
from niwt_core.neurons.confidence import Bin, calibration_error, reliability
from niwt_core.neurons.dictionary import Dictionary, Neuron
from niwt_core.neurons.evidence import responses
from niwt_core.neurons.naming import groups_of
from niwt_core.neurons.storage import FILE, load_dictionary
from niwt_core.pipeline import Progress
from niwt_core.project import Project, load_project

#: Base birds of the judgement. Like all seeds of the benchmark's they have no part in the dictionary.
N_BASES = 80
#: Bins of the calibration error. With some hundred names and ten bins even perfect confidences would seem to err by
#: 0.06; `chance_error` says by how much with these.
N_BINS = 5
MIN_CLEAR, MIN_PASSED, MAX_ERROR = 0.55, 0.92, 0.07


def neuron_tables(bundled: Path, progress: Progress, n_bases: int = N_BASES, n_workers: int = 2) -> list[str]:
    """The bundled dictionary, judged on base birds that nobody has drawn before; without one, it is made first."""
    project = load_project(bundled)
    stored = (bundled / FILE).is_file()
    dictionary = load_dictionary(bundled, project) if stored else make_bird_dictionary(project, progress, n_workers)
    effects = fresh_effects(project, dictionary, n_bases, progress, n_workers)
    return judged_tables(dictionary, effects, n_bases)


def fresh_effects(
    project: Project, dictionary: Dictionary, n_bases: int, progress: Progress, n_workers: int
) -> Effects:
    """The causal test on fresh base birds, with the dictionary's pooling."""
    redraws = redraw(n_bases, BENCHMARK_SEED)
    total, done = len(redraws.source.labels), 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        progress("causal test of the neurons", done, total)

    pooled = responses(redraws.source, project.backbone, count, n_workers).pooled[dictionary.pooling]
    return effects_of(pooled, redraws.index, groups_of(dictionary.attribute_names))


def judged_tables(dictionary: Dictionary, effects: Effects, n_bases: int) -> list[str]:
    """Names by every rule, and confidence against what passed, as Markdown."""
    live, n = dictionary.live, len(dictionary.neurons)
    right = _passes(dictionary, effects, lambda neuron: neuron.best_name)
    clear = torch.tensor([neuron.name is not None for neuron in live])
    confidence = torch.tensor([neuron.confidence or 0.0 for neuron in live], dtype=torch.float64)
    n_passed = int(right[clear].sum())
    bins = reliability(confidence, right, N_BINS)
    error = calibration_error(bins)
    of_live = float(clear.double().mean())
    of_clear = n_passed / max(int(clear.sum()), 1)
    rules = {
        "the paper's way: the inverse map of that neuron alone": lambda neuron: neuron.paper_name,
        "the largest AUC": lambda neuron: neuron.auc_name,
        "regression on all attributes": lambda neuron: neuron.best_name,
        "**the same, where the name is clear**": lambda neuron: neuron.name,
    }
    rows = []
    for label, rule in rules.items():
        named = torch.tensor([rule(neuron) is not None for neuron in live])
        passed = int(_passes(dictionary, effects, rule)[named].sum())
        share = f"{passed / max(int(named.sum()), 1):.3f}"
        rows.append([label, f"{int(named.sum())} of {len(live)}", f"{passed} of {int(named.sum())}", share])
    return [
        f"**Names for neurons**, {len(live)} live of {n} channels, judged on {n_bases} fresh base birds, each drawn "
        f"with every value of every attribute (a name passes if no other attribute matters more to the neuron, and its "
        f"effect is above {LEAST_ERRORS:.0f} standard errors)",
        table(["how a neuron is named", "live channels named", "names that pass", "share"], rows),
        f"A clear name for {of_live:.1%} of live channels (target {MIN_CLEAR:.0%}: {_met(of_live >= MIN_CLEAR)}); "
        f"{of_clear:.3f} of them pass (target {MIN_PASSED}: {_met(of_clear >= MIN_PASSED)}); expected calibration "
        f"error {error:.3f} in {N_BINS} bins (target {MAX_ERROR}: {_met(error <= MAX_ERROR)}; perfect confidences "
        f"would show {chance_error(confidence):.3f} by chance).",
        _bin_table(bins),
    ]


def _passes(dictionary: Dictionary, effects: Effects, rule: Callable[[Neuron], str | None]) -> Tensor:
    """Whether the name by a rule passes, (n_live,) bool; False where there is none."""
    column = {name: a for a, name in enumerate(dictionary.attribute_names)}
    names = [rule(neuron) for neuron in dictionary.neurons]
    passed = passes(effects, torch.tensor([column[name] if name is not None else 0 for name in names]))
    return torch.tensor([bool(passed[n.channel]) and names[n.channel] is not None for n in dictionary.live])


def chance_error(confidence: Tensor, n_draws: int = 200) -> float:
    """The calibration error that would be seen if every name passed with just the chance it claims."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(n_draws, len(confidence), generator=generator, dtype=torch.float64) < confidence
    return float(torch.tensor([calibration_error(reliability(confidence, passed, N_BINS)) for passed in drawn]).mean())


def _bin_table(bins: Sequence[Bin]) -> str:
    rows = [[f"{b.confidence:.2f}", str(b.n), f"{b.passed:.2f}"] for b in bins]
    return table(["names by confidence, mean", "names", "share that passes"], rows)


def _met(reached: bool) -> str:
    return "met" if reached else "missed"
