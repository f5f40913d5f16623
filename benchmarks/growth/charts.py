"""A growth as two charts on one sheet: time and memory against size, both axes in powers of ten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.growth.measuring import MB
from benchmarks.growth.sections import Growth, Section

#: Colours that colour-blind people tell apart (Okabe and Ito); each with a mark and a line of its own.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#a0518a", "#9a6d00", "#3a8fc4", "#5f5f5f", "#c03a2b")
MARKS = ("s", "^", "D", "v", "P", "X", "*", "p")
LINES = ("-", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)), "-", "-.")
BARE = "#111111"
#: Less than this is drawn at the foot of the chart: a process's memory is not known more finely.
FOOT_MB = 0.1


def draw(section: Section, growths: Sequence[Growth], path: Path, apart: Sequence[Growth] = ()) -> None:
    """Write the sheet, as an SVG or PNG file.

    Args:
        apart: growths of other networks, whose points are drawn hollow and not joined.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 10, "svg.hashsalt": section.key, "svg.fonttype": "path"})
    figure, (time, memory) = plt.subplots(1, 2, figsize=(10, 5.6), facecolor="white")
    sizes = max((growth.sizes for growth in growths), key=len)
    styles: dict[str, dict[str, object]] = {}
    for growth in growths:
        styles[growth.deed.name] = style = _style(growth.deed.name, sum(not n.startswith("bare") for n in styles))
        time.plot(growth.sizes, growth.seconds, label=growth.deed.name, **style)
        memory.plot(growth.sizes, [max(p.peak / MB, FOOT_MB) for p in growth.points], **style)
    for growth in apart:
        style = {**styles[growth.deed.name], "linestyle": "none", "markerfacecolor": "white", "markersize": 8}
        time.plot(growth.sizes, growth.seconds, label=f"{growth.deed.name}: torchvision’s layers", **style)
        memory.plot(growth.sizes, [max(p.peak / MB, FOOT_MB) for p in growth.points], **style)
    for axes, title, label in (
        (time, "Time", "seconds, one thread"),
        (memory, "Memory", f"MB at the peak ({FOOT_MB:g} or less: at the foot)"),
    ):
        axes.set(xscale="log", yscale="log", xlabel=section.unit, ylabel=label)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.grid(True, color="#dddddd", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(section.title, x=0.012, ha="left", fontweight="bold", fontsize=13)
    figure.legend(loc="lower left", ncols=2, frameon=False, bbox_to_anchor=(0.01, 0.0), handlelength=4)
    n_rows = -(-(len(growths) + len(apart)) // 2)
    figure.tight_layout(rect=(0, 0.03 + 0.036 * n_rows, 1, 1))
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _style(name: str, place: int) -> dict[str, object]:
    if name.startswith("bare"):
        again = name.endswith("1,000 images")
        return {"color": BARE, "linewidth": 2.4, "linestyle": ":" if again else "--", "marker": "x" if again else "o"}
    at = place % len(COLOURS)
    return {"color": COLOURS[at], "linewidth": 1.6, "linestyle": LINES[at], "marker": MARKS[at], "markersize": 6}
