"""What each process of a measured run does: the same fit, with a clock on each stage.

    python -m benchmarks.processes.work OUT [--cub FOLDER] [--images 600] …

under a launcher or alone; the main process writes what it found into the folder OUT.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from niwt_core.birds.world import load_birds
from niwt_core.datasets import ZeroShotData, load_cub
from niwt_core.files.checkpoints import check_alike, fingerprint_of
from niwt_core.images import ImageFiles
from niwt_core.network.backbone import PAPER_BIRD_NET, load_backbone
from niwt_core.pipeline import FitOptions, evaluate_project, fit
from niwt_core.processes import Team
from niwt_core.processes.launched import launched_team


def add_work(parser: argparse.ArgumentParser) -> None:
    """What is fitted; the defaults are the benchmark's of the README."""
    parser.add_argument(
        "--cub", type=Path, default=Path("../shared/data/CUB_200_2011"), help="photos, if there are any"
    )
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="../shared/weights/mobilenet_v2.pth", help="a file, or 'random'")
    parser.add_argument("--layer", default="features.15")
    parser.add_argument("--images", type=int, default=700, help="training images; a quarter as many are for tests")
    parser.add_argument("--samples", type=int, default=256, help="images for the statistics")
    parser.add_argument("--views", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--parts", type=int, help="of a batch's gradient, in the work of one process")


@dataclass(frozen=True, eq=False, kw_only=True)
class TimedTeam(Team):
    """Another team with clocks.

    Attributes:
        began: for each stage, wall and processor seconds at its beginning.
        talked: for each stage, how long this process talked or waited in it.
    """

    team: Team
    began: dict[str, tuple[float, float]] = field(default_factory=dict)
    talked: dict[str, float] = field(default_factory=dict)

    def enters(self, stage: str) -> None:
        self.began[stage] = time.perf_counter(), time.process_time()
        self.talked[stage] = 0.0
        self.team.enters(stage)

    def lasted(self) -> Tensor:
        """(n_stages, 2) wall and processor seconds of each stage, of which the last ends now."""
        times = torch.tensor([*self.began.values(), (time.perf_counter(), time.process_time())], dtype=torch.float64)
        return times[1:] - times[:-1]

    def summed(self, part: Tensor) -> Tensor:
        return self._timed(self.team.summed, part)

    def gathered(self, part: Tensor) -> Tensor:
        return self._timed(self.team.gathered, part)

    def told(self, tensors: Mapping[str, Tensor] | None) -> dict[str, Tensor] | None:
        return self._timed(self.team.told, tensors)

    def _timed(self, talk, *given):
        started = time.perf_counter()
        found = talk(*given)
        if self.talked:
            self.talked[next(reversed(self.talked))] += time.perf_counter() - started
        return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    add_work(parser)
    args = parser.parse_args()
    with launched_team("auto") as team:
        run(team, args)


def run(team: Team, args: argparse.Namespace) -> None:
    """Fit and evaluate; the main process writes stages.json and tensors.safetensors."""
    data, network, weights, layer = work_of(args)
    torch.manual_seed(0)
    backbone = load_backbone(network, layer, weights)
    options = FitOptions(n_views=args.views, epochs=args.epochs, n_samples=args.samples, n_parts=args.parts)
    check_alike(fingerprint_of(data, backbone, options), team)
    timed = TimedTeam(team.rank, team.size, team.device, team=team)
    project = fit(data, backbone, options=options, team=timed)
    result = evaluate_project(project, data, team=timed)
    wall, busiest = team.gathered(timed.lasted()[None]).max(0).values.T.tolist()
    if not team.is_main:
        return
    args.out.mkdir(parents=True, exist_ok=True)
    tensors = {
        "gram": project.statistics.gram.float(),
        "jacobian": project.statistics.jacobian.float(),
        "importances": project.importances.values,
        "means": project.measured.means,
        "within": project.measured.within,
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, args.out / "tensors.safetensors")
    document = {
        "data": f"{len(data.train.labels)} training and {len(data.test_seen.labels) + len(data.test_unseen.labels)} "
        f"test pictures of {len(data.class_names)} classes ({data.name}), {network} cut at {layer}",
        "size": team.size,
        "threads": torch.get_num_threads(),
        "device": str(team.device),
        "stages": dict(zip(timed.began, wall, strict=True)),
        "busiest": dict(zip(timed.began, busiest, strict=True)),
        "talked": timed.talked,
        "figures": asdict(result),
    }
    (args.out / "stages.json").write_text(json.dumps(document))


def work_of(args: argparse.Namespace) -> tuple[ZeroShotData, str, str | None, str]:
    """The data and the network: photos where there are any, otherwise drawn birds and random weights."""
    if not args.cub.is_dir():
        n_each = max(args.images // 150, 4)
        return load_birds(n_each, max(n_each // 4, 1)), PAPER_BIRD_NET, None, "features.stage4"
    data = load_cub(args.cub)
    if args.images < 3 * data.n_seen:
        raise SystemExit(f"--images {args.images}: expected at least {3 * data.n_seen}, three of each seen class.")
    parts = {"train": args.images, "test_seen": args.images // 8, "test_unseen": args.images // 8}
    data = replace(data, **{name: _some(getattr(data, name), n) for name, n in parts.items()})
    weights = args.weights if Path(args.weights).is_file() else None
    return data, args.backbone, weights, args.layer


def _some(source: ImageFiles, n: int) -> ImageFiles:
    """`n` pictures, evenly over the classes."""
    picks = np.unique(np.linspace(0, len(source.labels) - 1, min(n, len(source.labels))).astype(int))
    return ImageFiles(tuple(source.paths[i] for i in picks), source.labels[picks])


if __name__ == "__main__":
    main()
