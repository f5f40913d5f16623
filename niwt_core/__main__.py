"""The command line: python -m niwt_core {fit, evaluate, download, train-birds, benchmark}."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from niwt_core.errors import InputError, LostProcessError

if TYPE_CHECKING:
    from niwt_core.datasets import ZeroShotData
    from niwt_core.gzsl import GZSLResult
    from niwt_core.pipeline import Progress
    from niwt_core.processes import Team
    from niwt_core.project import Project
    from niwt_core.sources import Source

BUNDLED = Path(__file__).parents[1] / "assets" / "paper_birds"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 2 on input that a person can put right, 3 when another process is lost."""
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except LostProcessError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.CODE
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
        "--samples", help="folder of any photos for the transfer, or 'noise'; default: seen training photos"
    )
    fit.add_argument("--output", type=Path, required=True, help="folder for the project")
    fit.add_argument("--epochs", type=_positive)
    fit.add_argument("--views", type=_positive, help="augmented views of each training photo")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--workers", type=_positive, default=0, help="helpers that read photos, for each process")
    fit.add_argument(
        "--parts",
        type=_positive,
        metavar="N",
        help="add a batch's gradient up from N parts: any number of processes that divides N then finds the same "
        "(default: 1 in one process, 8 in many)",
    )
    fit.add_argument(
        "--checkpoint", type=Path, help="folder to keep what is done in; the same command goes on from there"
    )
    fit.add_argument(
        "--checkpoint-every", type=float, default=60, metavar="SECONDS", help="between two writings within a stage"
    )
    _add_team(fit)
    fit.set_defaults(run=_fit)

    evaluate = commands.add_parser("evaluate", help="evaluate a project on its test photos again")
    evaluate.add_argument("project", type=Path)
    evaluate.add_argument("--root", type=Path, help="where the photos are, if they have moved")
    evaluate.add_argument("--split", type=Path, help="where the split's lists are, if they have moved")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    _add_team(evaluate)
    evaluate.set_defaults(run=_evaluate)

    train = commands.add_parser("train-birds", help="train the bundled network from scratch on drawings")
    train.add_argument("--output", type=Path, default=BUNDLED)
    train.add_argument("--drawings", type=_positive, default=160, help="of each seen species")
    train.add_argument("--epochs", type=_positive, default=10)
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(run=_train_birds)

    names = commands.add_parser("name-neurons", help="make the dictionary of a project's neurons, beside the project")
    names.add_argument("project", type=Path, nargs="?", default=BUNDLED)
    names.add_argument("--root", type=Path, help="where the photos are, if they have moved")
    names.add_argument("--split", type=Path, help="where the split's lists are, if they have moved")
    names.set_defaults(run=_name_neurons)

    download = commands.add_parser("download", help="fetch a data set and unpack it; goes on where it broke off")
    download.add_argument("dataset", choices=("cub",))
    download.add_argument("--root", type=Path, required=True, help="the data set's new folder")
    download.add_argument("--url", help="another address of the same archive")
    download.set_defaults(run=_download)

    benchmark = commands.add_parser("benchmark", help="print the figures of the README")
    benchmark.add_argument(
        "--cub", type=Path, default=Path("../shared/data/CUB_200_2011"), help="photos, if you have them"
    )
    benchmark.add_argument("--split", type=Path)
    benchmark.add_argument("--backbone", default="mobilenet_v2")
    benchmark.add_argument("--weights", default="../shared/weights/mobilenet_v2.pth")
    benchmark.add_argument("--layer", default="features.15")
    benchmark.add_argument("--seeds", type=_positive, default=5, help="how many seeds the means are over")
    benchmark.add_argument(
        "--full-photos", type=Path, default=Path("../shared/data/CUB_full_size"), help="uncropped photos with boxes"
    )
    benchmark.add_argument("--only", choices=("birds", "photos", "explanations", "lesson"), help="measure one part")
    benchmark.set_defaults(run=_benchmark)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", choices=("cub", "awa2", "folder", "birds"), required=True)
    parser.add_argument("--root", type=Path, help="the data set's folder")
    parser.add_argument(
        "--split",
        type=Path,
        help="folder with the split: class lists, or att_splits.mat and res101.mat; default: the data set's own",
    )
    parser.add_argument("--attributes", choices=("continuous", "binary", "images"), default="continuous")
    parser.add_argument(
        "--knowledge",
        help="what describes the classes: attributes, texts, captions, read-texts or read-captions (read into the "
        "attributes), or several joined by '+'; default: attributes where the data set has them, else texts",
    )
    parser.add_argument(
        "--encoder", help="sentence-transformers model for texts and captions, a folder or a name; default: the bundled"
    )


def _add_team(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU where one is")
    parser.add_argument(
        "--patience",
        type=float,
        default=60,
        metavar="SECONDS",
        help="in many processes (torchrun, accelerate launch): how long one may give no sign of life",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text}")
    return number


def _source(args: argparse.Namespace) -> Source:
    """Where the data of a fit are, with whole paths, so that they are found again from anywhere."""
    from niwt_core.sources import Source

    encoder = args.encoder
    return Source(
        args.dataset,
        args.root.resolve() if args.root else None,
        args.split.resolve() if args.split else None,
        args.attributes,
        args.knowledge or "",
        str(Path(encoder).resolve()) if encoder and Path(encoder).is_dir() else encoder,
    )


def _data_of(project: Project, args: argparse.Namespace) -> ZeroShotData:
    """The data of a project on disk, from `--root` and `--split` if they have moved."""
    from niwt_core.sources import load_data, source_of

    return load_data(source_of(project.card, args.project).moved(args.root, args.split))


def _fit(args: argparse.Namespace) -> None:
    from niwt_core.processes.launched import AGAIN, ANEW, launched_team

    with launched_team(args.device, args.patience, AGAIN if args.checkpoint else ANEW) as team:
        _fit_in(team, args)


def _fit_in(team: Team, args: argparse.Namespace) -> None:
    from dataclasses import replace

    import torch

    from niwt_core.files.checkpoints import UNKEPT, FolderCheckpoint, check_alike, fingerprint_of
    from niwt_core.images import ImageSource, folder_images, noise_images
    from niwt_core.knowledge import default_kind
    from niwt_core.network.backbone import load_backbone, settle_norms
    from niwt_core.pipeline import FitOptions, evaluate_project, fit
    from niwt_core.project import save_project
    from niwt_core.sources import described, load_images

    source = _source(args)
    data = load_images(source)
    if team.is_main:
        _print_notes(data)
    source = replace(source, knowledge=source.knowledge or default_kind(data))
    data = described(source, data)
    weights = None if args.weights == "random" else args.weights
    torch.manual_seed(args.seed)  # random weights have to be the same in every process, and when the command runs again
    backbone = load_backbone(args.backbone, args.layer, weights)
    if weights is None:
        settle_norms(backbone)
    defaults = FitOptions()
    options = FitOptions(
        n_views=args.views or defaults.n_views,
        epochs=args.epochs or defaults.epochs,
        seed=args.seed,
        n_workers=args.workers,
        n_parts=args.parts,
    )
    samples: ImageSource | None = None
    if args.samples == "noise":
        samples = noise_images(options.n_samples, backbone.image_size, args.seed)
    elif args.samples:
        samples = folder_images(Path(args.samples), options.n_samples, args.seed)
    checkpoint = UNKEPT
    if args.checkpoint or team.size > 1:
        fingerprint = fingerprint_of(data, backbone, options, samples)
        check_alike(fingerprint, team)
        if args.checkpoint:
            checkpoint = FolderCheckpoint(args.checkpoint, fingerprint, team, args.checkpoint_every)
    with Bars() as bars:
        project = fit(data, backbone, options=options, samples=samples, progress=bars, team=team, checkpoint=checkpoint)
        result = evaluate_project(project, data, bars, options.n_workers, team)
    if team.is_main:
        card = {
            **project.card,
            "source": source.card(),
            "figures": asdict(result),
        }
        save_project(replace(project, card=card), args.output)
        if card["warning"]:
            print(f"Note on layer {args.layer}: {card['warning']}")
        print(table(result))
        print(f"Project saved in {args.output} ({card['seconds']:.0f} s).")
    team.told({})  # whoever deletes a checkpoint before the project is there could lose both
    checkpoint.clear()


def _evaluate(args: argparse.Namespace) -> None:
    from niwt_core.pipeline import evaluate_project
    from niwt_core.processes.launched import launched_team
    from niwt_core.project import load_project

    with launched_team(args.device, args.patience) as team:
        project = load_project(args.project)
        data = _data_of(project, args)
        if team.is_main:
            _print_notes(data, sys.stderr if args.json else sys.stdout)
        with Bars() as bars:
            result = evaluate_project(project, data, bars, team=team)
        if team.is_main:
            print(json.dumps(asdict(result)) if args.json else table(result))


def _name_neurons(args: argparse.Namespace) -> None:
    from niwt_core.birds.probing import make_bird_dictionary
    from niwt_core.neurons import build, material_of, save_dictionary
    from niwt_core.project import load_project

    project = load_project(args.project)
    source = project.card.get("source", {})
    with Bars() as bars:
        if isinstance(source, Mapping) and source.get("dataset") == "birds":
            dictionary = make_bird_dictionary(project, bars)
        else:
            data = _data_of(project, args)
            _print_notes(data)
            dictionary = build(project, material_of(data), bars)
    path = save_dictionary(dictionary, args.project)
    print(f"{len(dictionary.named)} of {len(dictionary.live)} live neurons have a clear name; saved in {path}.")


def _print_notes(data: ZeroShotData, file: TextIO | None = None) -> None:
    for note in data.notes:
        print(f"Note: {note}", file=file)


def _download(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from niwt_core.datasets.download import CUB_MD5, CUB_URL, download_cub

    with tqdm(unit="B", unit_scale=True, unit_divisor=1024, desc=args.dataset) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        fresh = download_cub(args.root, args.url or CUB_URL, CUB_MD5, progress)
    print(f"CUB-200-2011 is {'now' if fresh else 'already'} in {args.root}.")


def _train_birds(args: argparse.Namespace) -> None:
    from niwt_core.birds.training import make_bundled_project

    with Bars() as bars:
        project = make_bundled_project(args.output, args.drawings, args.epochs, args.seed, bars)
    print(json.dumps(dict(project.card), indent=1))


def _benchmark(args: argparse.Namespace) -> None:
    from niwt_core.benchmark import PARTS, PhotoSource, run_benchmark

    with Bars() as bars:
        tables = run_benchmark(
            PhotoSource(args.cub, args.split, args.full_photos, args.backbone, args.weights, args.layer),
            args.seeds,
            BUNDLED,
            bars,
            (args.only,) if args.only else PARTS,
        )
    print(tables)


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
