"""The three growths that are measured: their deeds and sizes, and what came out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.growth import channels, classes, images
from benchmarks.growth.law import LAST, power
from benchmarks.growth.measuring import MB, Deed, Point, measure

#: What is smaller is lost in the grain of a process's memory.
LEAST_MEMORY = MB


@dataclass(frozen=True)
class Section:
    """One growth.

    Attributes:
        key: "images"; names the chart's file. unit: of the sizes, as an axis says it.
        deeds: a bare forward pass stands before those that are compared with it.
        an_image: whether times are divided by the number of images.
    """

    key: str
    title: str
    unit: str
    deeds: tuple[Deed, ...]
    sizes: tuple[int, ...]
    an_image: bool = False

    def sizes_of(self, deed: Deed) -> tuple[int, ...]:
        return tuple(size for size in self.sizes if deed.largest is None or size <= deed.largest)

    def quick(self) -> Section:
        """The smaller sizes only."""
        return Section(self.key, self.title, self.unit, self.deeds, self.sizes[:3], self.an_image)


IMAGES = Section("images", "More images", "images", images.DEEDS, images.SIZES)
CLASSES = Section("classes", "More classes", "classes", classes.DEEDS, classes.SIZES)
CHANNELS = Section("channels", "More channels", "channels, and as many features", channels.DEEDS, channels.SIZES, True)
REAL = Section("real", "torchvision’s layers", "channels", channels.REAL_DEEDS, tuple(channels.REAL), True)
SECTIONS = (IMAGES, CLASSES, CHANNELS, REAL)


@dataclass(frozen=True)
class Growth:
    """What was measured of one deed: its points, by ascending size. missed: sizes at which it did not come to its end.

    Attributes:
        seconds: (n_points,), of an image where the section says so.
        forwards: (n_points,), seconds divided by the bare forward pass of as many images, or of one image where the
            deed goes over none. Of the bare forward pass itself: 1.
    """

    deed: Deed
    points: tuple[Point, ...]
    missed: tuple[int, ...]
    seconds: tuple[float, ...]
    forwards: tuple[float, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(point.size for point in self.points)

    @property
    def time_power(self) -> float | None:
        return power(self.sizes, self.seconds)

    @property
    def memory_power(self) -> float | None:
        """None also where the last points take too little memory to tell."""
        last = self.points[-LAST:]
        return (
            power([p.size for p in last], [p.peak for p in last]) if all(p.peak >= LEAST_MEMORY for p in last) else None
        )


def measured(section: Section) -> list[Growth]:
    """Every deed of a section at every size; all of one size, then the next, so that what is compared lies together."""
    plan = [(size, deed) for size in section.sizes for deed in section.deeds if size in section.sizes_of(deed)]
    found: dict[tuple[str, int], Point | None] = {}
    for i, (size, deed) in enumerate(plan, start=1):
        point = found[deed.name, size] = measure(deed, size)
        told = f"{point.seconds:.4g} s, {point.peak / MB:.1f} MB" if point else "did not come to its end"
        print(f"{section.key} {i}/{len(plan)}: {size:,}: {deed.name}: {told}", file=sys.stderr, flush=True)
    return grown(section, found)


def grown(section: Section, found: Mapping[tuple[str, int], Point | None]) -> list[Growth]:
    """The points of a section, by name and size, sorted by deed and compared with the bare forward pass before each."""
    growths: list[Growth] = []
    bare: dict[int, float] = {}
    for deed in section.deeds:
        points = [point for size in section.sizes_of(deed) if (point := found[deed.name, size])]
        each = {p.size: p.seconds / deed.images(p.size) if deed.images else p.seconds for p in points}
        if deed.name.startswith("bare"):
            bare = each
        growths.append(
            Growth(
                deed,
                points=tuple(points),
                missed=tuple(size for size in section.sizes_of(deed) if found[deed.name, size] is None),
                seconds=tuple(each[p.size] if section.an_image else p.seconds for p in points),
                forwards=tuple(each[p.size] / bare[p.size] if p.size in bare else float("nan") for p in points),
            )
        )
    return growths


def of(growths: Sequence[Growth], name: str) -> Growth:
    """The one whose name begins so."""
    return next(growth for growth in growths if growth.deed.name.startswith(name))
