"""The command line: python -m niwt_core {fit, evaluate, train-birds, benchmark}."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from niwt_core.errors import InputError

if TYPE_CHECKING:
    from niwt_core.datasets import ZeroShotData
    from niwt_core.gzsl import GZSLResult
    from niwt_core.pipeline import Progress

BUNDLED = Path(__file__).parents[1] / "assets" / "paper_birds"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 2 on input that a person can put right."""
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m niwt_core", description="Zero-shot classes from descriptions.")
    commands = parser.add_subparsers(required=True, metavar="command")

    fit = commands.add_parser("fit", help="fine-tune a network on seen classes, transfer the unseen ones, evaluate")
    _add_data(fit)
    fit.add_argument("--backbone", required=True, help="a torchvision classification model, for example mobilenet_v2")
    fit.add_argument(
        "--weights", default="default", help="a local state dict, or 'default' (torchvision downloads) or 'random'"
    )
    fit.add_argument("--layer", required=True, help="dotted name of the layer whose channels are the neurons")
    fit.add_argument(
        "--samples", type=Path, help="folder of any photos for the transfer; default: seen training photos"
    )
    fit.add_argument("--output", type=Path, required=True, help="folder for the project")
    fit.add_argument("--epochs", type=_positive)
    fit.add_argument("--views", type=_positive, help="augmented views of each training photo")
    fit.add_argument("--seed", type=int, default=0)
    fit.set_defaults(run=_fit)

    evaluate = commands.add_parser("evaluate", help="evaluate a project on its test photos again")
    evaluate.add_argument("project", type=Path)
    evaluate.add_argument("--root", type=Path, help="where the photos are, if they have moved")
    evaluate.add_argument("--split", type=Path, help="where the split's lists are, if they have moved")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(run=_evaluate)

    train = commands.add_parser("train-birds", help="train the bundled network from scratch on drawings")
    train.add_argument("--output", type=Path, default=BUNDLED)
    train.add_argument("--drawings", type=_positive, default=160, help="of each seen species")
    train.add_argument("--epochs", type=_positive, default=10)
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(run=_train_birds)

    benchmark = commands.add_parser("benchmark", help="print the figures of the README")
    benchmark.add_argument(
        "--cub", type=Path, default=Path("../shared/data/CUB_200_2011"), help="photos, if you have them"
    )
    benchmark.add_argument("--split", type=Path)
    benchmark.add_argument("--backbone", default="mobilenet_v2")
    benchmark.add_argument("--weights", default="../shared/weights/mobilenet_v2.pth")
    benchmark.add_argument("--layer", default="features.15")
    benchmark.add_argument("--seed", type=int, default=0)
    benchmark.set_defaults(run=_benchmark)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", choices=("cub", "birds"), required=True)
    parser.add_argument("--root", type=Path, help="the data set's folder")
    parser.add_argument("--split", type=Path, help="folder with the class lists; default: splits/ in the root")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text}")
    return number


def _load(dataset: str, root: Path | None, split: Path | None) -> ZeroShotData:
    if dataset == "birds":
        from niwt_core.birds.world import load_birds

        return load_birds()
    if root is None:
        raise InputError("The data set cub needs --root, the folder of CUB-200-2011.")
    from niwt_core.datasets import load_cub

    return load_cub(root, split)


def _fit(args: argparse.Namespace) -> None:
    from dataclasses import replace

    from niwt_core.backbone import load_backbone
    from niwt_core.images import folder_images
    from niwt_core.pipeline import FitOptions, evaluate_project, fit
    from niwt_core.project import save_project

    data = _load(args.dataset, args.root, args.split)
    weights = None if args.weights == "random" else args.weights
    backbone = load_backbone(args.backbone, args.layer, weights)
    defaults = FitOptions()
    options = FitOptions(n_views=args.views or defaults.n_views, epochs=args.epochs or defaults.epochs, seed=args.seed)
    samples = folder_images(args.samples, options.n_samples, args.seed) if args.samples else None
    with Bars() as bars:
        project = fit(data, backbone, options=options, samples=samples, progress=bars)
        result = evaluate_project(project, data, bars)
    card = {
        **project.card,
        "source": {
            "dataset": args.dataset,
            "root": str(args.root.resolve()) if args.root else None,
            "split": str(args.split.resolve()) if args.split else None,
        },
        "figures": asdict(result),
    }
    save_project(replace(project, card=card), args.output)
    if card["warning"]:
        print(f"Note on layer {args.layer}: {card['warning']}")
    print(table(result))
    print(f"Project saved in {args.output} ({card['seconds']:.0f} s).")


def _evaluate(args: argparse.Namespace) -> None:
    from niwt_core.pipeline import evaluate_project
    from niwt_core.project import load_project

    project = load_project(args.project)
    source = project.card.get("source", {})
    root = args.root or (Path(source["root"]) if source.get("root") else None)
    split = args.split or (Path(source["split"]) if source.get("split") and args.root is None else None)
    data = _load(source.get("dataset", "cub"), root, split)
    with Bars() as bars:
        result = evaluate_project(project, data, bars)
    print(json.dumps(asdict(result)) if args.json else table(result))


def _train_birds(args: argparse.Namespace) -> None:
    from niwt_core.birds.training import make_bundled_project

    with Bars() as bars:
        project = make_bundled_project(args.output, args.drawings, args.epochs, args.seed, bars)
    print(json.dumps(dict(project.card), indent=1))


def _benchmark(args: argparse.Namespace) -> None:
    from niwt_core.benchmark import run_benchmark

    with Bars() as bars:
        print(run_benchmark(args.cub, args.split, args.backbone, args.weights, args.layer, args.seed, BUNDLED, bars))


def table(result: GZSLResult) -> str:
    """The figures as lines of text, per cent."""
    rows = [
        ("S   seen species, among all", result.seen, result.n_seen_images),
        ("U   unseen species, among all", result.unseen, result.n_unseen_images),
        ("H   harmonic mean of S and U", result.harmonic, None),
        ("    unseen species, among the unseen", result.unseen_only, result.n_unseen_images),
        ("    seen species, among the seen", result.seen_only, result.n_seen_images),
    ]
    lines = [f"{'mean of per-class accuracies':<38}{'%':>6}  images"]
    return "\n".join(lines + [f"{name:<38}{100 * value:>6.1f}  {count or ''}" for name, value, count in rows])


class Bars:
    """One progress bar a stage on standard error; a Progress."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        for bar in self._bars.values():
            bar.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if stage not in self._bars:
            self._bars[stage] = tqdm(total=total, desc=f"{stage:<14}", mininterval=1, leave=True)
        bar = self._bars[stage]
        bar.total = total
        bar.update(done - bar.n)


if __name__ == "__main__":
    sys.exit(main())
