"""What was measured as Markdown: tables, charts with what they show in words, and what the curves say."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.growth import channels, classes
from benchmarks.growth.measuring import MB
from benchmarks.growth.sections import CHANNELS, CLASSES, IMAGES, LEAST_MEMORY, REAL, Growth, Section, of
from niwt_core.benchmark.tables import table
from niwt_core.learner import MEANS_RIDGES, SHRINKAGES

#: Section -> its growths.
Found = Mapping[Section, Sequence[Growth]]

HOW = (
    "Every point is measured in a fresh process held to one thread. *Time* is the median of up to five repeats (one "
    "where a repeat takes longer than half a second), after the same was done once in small. *Memory* is the most that "
    "the process had at once, above what it had before: inputs and weights were there already, and what stays below "
    f"{LEAST_MEMORY // MB} MB is lost in the grain. *Power* is the slope of the straight line through the last three "
    "points, both axes in logarithms: 1 is ten times as much for ten times the size, 2 a hundred times, 0 no growth. "
    "*Forward passes* are bare ones, trunk and head, of the same images in the same run, at the largest size; of one "
    "image where a row goes over no images."
)


COMMAND = "python -m benchmarks.growth --write docs"

#: What the first run brought to light; processor seconds, old and new measured in turn.
MENDED = (
    "**Found by the first of these runs, and mended.** A fit held the activations of its images twice while it "
    "trained, and the plain ones once more in single precision afterwards. Class means looked through all images for "
    "each class: 0.52 s for 20,000 images of 10,000 classes, 0.10 s now. The path of five strengths took 303 MB for "
    "10,000 classes, 137 MB now. The results are the same. **Found and left:** the kernel map, above; and a rehearsal "
    "keeps every score of its images among all classes at once, images times classes."
)


def machine() -> str:
    """The machine in a sentence."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return (
        f"{os.cpu_count()} cores ({model}), of which one is used; {platform.system()}, Python "
        f"{platform.python_version()}, PyTorch {torch.__version__}."
    )


def time_table(section: Section, growths: Sequence[Growth]) -> str:
    """Seconds at each size, the power, and the multiple of the bare forward pass."""
    sizes = _sizes(growths)
    head = [f"{section.title}: time", *(f"{n:,}" for n in sizes), "power", "expected", "forward passes"]
    rows = []
    for growth in growths:
        at = dict(zip(growth.sizes, growth.seconds, strict=True))
        cells = [_seconds(at[size]) if size in at else _missing(growth, size) for size in sizes]
        rows.append([growth.deed.name, *cells, *_powers(growth.time_power, growth.deed.time_law), _forwards(growth)])
    return table(head, rows)


def memory_table(section: Section, growths: Sequence[Growth]) -> str:
    """MB at each size, and the power."""
    sizes = _sizes(growths)
    head = [f"{section.title}: memory, MB", *(f"{n:,}" for n in sizes), "power", "expected"]
    rows = []
    for growth in growths:
        at = {point.size: point.peak for point in growth.points}
        cells = [_megabytes(at[size]) if size in at else _missing(growth, size) for size in sizes]
        rows.append([growth.deed.name, *cells, *_powers(growth.memory_power, growth.deed.memory_law)])
    return table(head, rows)


def real_table(growths: Sequence[Growth]) -> str:
    """torchvision's layers, one a row."""
    bare, importances, statistics = growths
    head = ["layer", "channels", "forward pass", "importances", "statistics", "statistics’ memory"]
    rows = []
    for i, size in enumerate(bare.sizes):
        name, layer = channels.REAL[size]
        cells = [_seconds(growth.seconds[i]) for growth in (bare, importances, statistics)]
        for at, growth in ((1, importances), (2, statistics)):
            cells[at] += f" ({growth.forwards[i]:,.1f} passes)"
        rows.append([f"{name}, {layer}", f"{size:,}", *cells, f"{_megabytes(statistics.points[i].peak)} MB"])
    return table(head, rows)


def markdown(found: Found, with_charts: bool) -> str:
    """The whole of it; charts are looked for beside the text, by `chart_name`."""
    parts = [
        "# How it grows",
        "Time and memory against the number of images, of classes and of channels, each beside the bare forward pass.",
        f"    {COMMAND}",
        f"{machine()} {HOW}",
    ]
    for section, said in ((IMAGES, _of_images), (CLASSES, _of_classes), (CHANNELS, _of_channels)):
        parts += [f"## {section.title}", said(found)]
        if with_charts:
            parts.append(f"![{alt(section, found[section])}]({chart_name(section)})")
        parts += [time_table(section, found[section]), memory_table(section, found[section])]
    return "\n\n".join([*parts, real_table(found[REAL]), MENDED])


def chart_name(section: Section) -> str:
    return f"growth_{section.key}.svg"


def alt(section: Section, growths: Sequence[Growth]) -> str:
    """What a chart shows, in words."""
    sizes = _sizes(growths)
    lines = [
        f"{g.deed.name}: {_seconds(g.seconds[0])} to {_seconds(g.seconds[-1])}, {_megabytes(g.points[0].peak)} to "
        f"{_megabytes(g.points[-1].peak)} MB"
        for g in growths
        if g.points
    ]
    return (
        f"Two charts with axes in powers of ten, time and memory against {sizes[0]:,} to {sizes[-1]:,} {section.unit}. "
        + "; ".join(lines)
        + "."
    )


def _sizes(growths: Sequence[Growth]) -> list[int]:
    return sorted({size for growth in growths for size in (*growth.sizes, *growth.missed)})


def _of_images(found: Found) -> str:
    growths = found[IMAGES]
    bare, importances, statistics, kept = (of(growths, n) for n in ("bare", "importances", "statistics", "kept"))
    drawing = of(growths, "drawing")
    each = (kept.points[-1].peak - kept.points[0].peak) / max(kept.points[-1].size - kept.points[0].size, 1)
    return (
        "The bundled network on drawn birds of 64 pixels, fifty drawings again and again. "
        f"From {bare.sizes[0]:,} to {bare.sizes[-1]:,} images the peak of the statistics goes {_from_to(statistics)}, "
        f"that of the importances {_from_to(importances)}, that of the bare forward pass {_from_to(bare)}: it is one "
        "batch on its way through the network, give or take what the system’s memory keeps in reserve. A fit, which "
        f"goes over the images many times, keeps {each / 1024:.0f} kB of each image and view, its activations in half "
        "precision; that row’s power nears 1 where they outweigh the batch. Importances of all images take "
        f"{importances.forwards[-1]:.1f} times as long as the bare forward pass, statistics "
        f"{statistics.forwards[-1]:.1f} times. Drawing a bird takes {drawing.forwards[-1]:.1f} forward passes and is "
        "in no row above."
    )


def _of_classes(found: Found) -> str:
    growths = found[CLASSES]
    path, one, ready, kernel = (of(growths, n) for n in ("all classes solved, five", "all", "the one", "kernel"))
    each, tried = path.seconds[-1] / path.sizes[-1], len(SHRINKAGES) * len(MEANS_RIDGES)
    return (
        f"A small network of {classes.N_CHANNELS} channels and {classes.N_FEATURES} features, "
        f"{classes.N_ATTRIBUTES} attributes. The one factorisation takes {_seconds(ready.seconds[-1])} and knows "
        f"nothing of the classes; after it {path.sizes[-1]:,} classes are solved in {_seconds(one.seconds[-1])} at one "
        f"strength and in {_seconds(path.seconds[-1])} at five, {_seconds(each)} a class. One row grows faster than "
        f"the classes: the kernel map compares every two of them, {_seconds(kernel.seconds[-1])} and "
        f"{_megabytes(kernel.points[-1].peak)} MB for {kernel.sizes[-1]:,} classes, and a rehearsal tries it {tried} "
        "times. Beyond that it was not measured."
    )


def _of_channels(found: Found) -> str:
    growths = found[CHANNELS]
    importances, statistics = of(growths, "importances"), of(growths, "statistics")
    one, every = of(growths, "made ready for one"), of(growths, "made ready for all")
    return (
        "A small network with as many features as channels and a head that mixes its channels, on a 4 × 4 grid; times "
        f"are of one image. Importances take {min(importances.forwards):.1f} to {max(importances.forwards):.1f} "
        "forward passes, however wide the network is. An image’s share of the statistics is its whole Jacobian, one "
        "pass of the head for each channel, so it gains a power on the forward pass: "
        f"{statistics.forwards[0]:,.0f} passes at {statistics.sizes[0]:,} channels, {statistics.forwards[-1]:,.0f} at "
        f"{statistics.sizes[-1]:,}. This is what a wide layer costs, not the factorisation: the closed form is made "
        f"ready in {_seconds(one.seconds[-1])} for one strength and {_seconds(every.seconds[-1])} for all, once, in "
        f"less time than the statistics of {_few(every.seconds[-1], statistics)}. Layers of torchvision’s networks "
        "(hollow marks; random weights, images of 64 pixels) lie where their heads put them: VGG’s and MobileNet’s "
        "have short ways to the Jacobian that this one has not."
    )


def _from_to(growth: Growth) -> str:
    return f"from {_megabytes(growth.points[0].peak)} to {_megabytes(growth.points[-1].peak)} MB"


def _few(seconds: float, growth: Growth) -> str:
    n = int(seconds / growth.seconds[-1]) + 1
    return "one image" if n == 1 else f"{n} images"


def _powers(measured: float | None, expected: float | None) -> tuple[str, str]:
    return ("" if measured is None else f"{measured:.2f}"), ("" if expected is None else f"{expected:g}")


def _forwards(growth: Growth) -> str:
    if not growth.forwards:
        return ""
    return f"{_short(growth.forwards[-1])}" + ("" if growth.deed.images else " of one image")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 0.1 else f"{value:.1f}"


def _seconds(value: float) -> str:
    size, unit = next((pair for pair in ((1.0, "s"), (1e-3, "ms")) if value >= pair[0]), (1e-6, "µs"))
    at = value / size
    return f"{at:.0f} {unit}" if at >= 100 else f"{at:.1f} {unit}"


def _megabytes(value: int) -> str:
    return "below 1" if value < LEAST_MEMORY else f"{value / MB:,.0f}"


def _missing(growth: Growth, size: int) -> str:
    return "not reached" if size in growth.missed else "not measured"
