"""A photo project as a world: rows from words, picks and the data set's own descriptions; pictures; words read back."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_shelf import CLASSES, KEY, N_EACH, N_SEEN, words_of

from niwt_core.errors import InputError
from niwt_core.limits import DESCRIPTION
from niwt_core.project import load_project
from niwt_core.sources import Source, source_of
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld
from niwt_core.worlds.trial import features_of, jacobians_of, try_out

NAMES = list(CLASSES)
GOLDFINCH, BLUETHROAT = NAMES[N_SEEN:]


@pytest.fixture(scope="module")
def world(photo_shelf: Path) -> PhotoWorld:
    return PhotoWorld(load_project(photo_shelf / KEY), KEY, photo_shelf / KEY)


def column(world: PhotoWorld, name: str) -> int:
    return world.project.attribute_names.index(name)


def test_a_project_folder_can_be_moved_with_its_pictures(photo_shelf: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_shelf / KEY, tmp_path / "elsewhere")
    moved = PhotoWorld(load_project(tmp_path / "elsewhere"), "elsewhere", tmp_path / "elsewhere")
    assert moved.data.class_names == tuple(NAMES)
    assert moved.data.train.source.paths[0].is_relative_to(tmp_path)


def test_pictures_that_are_gone_or_others_are_told(photo_shelf: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_shelf / KEY, tmp_path / KEY)
    lost = PhotoWorld(load_project(tmp_path / KEY), KEY, tmp_path / KEY)
    shutil.rmtree(tmp_path / KEY / "data" / BLUETHROAT)
    with pytest.raises(InputError, match="no longer those that this project was made from: it knows 6 classes"):
        _ = lost.data
    shutil.rmtree(tmp_path / KEY / "data")
    gone = PhotoWorld(lost.project, KEY, tmp_path / KEY)
    with pytest.raises(InputError, match="are not where they were"):
        _ = gone.data
    assert gone.row(Described("a blue bird", {})).shape == (1, 14), "words need no pictures"


def test_a_photo_that_vanishes_is_told_by_its_name_and_not_by_the_servers_folder(
    photo_shelf: Path, tmp_path: Path
) -> None:
    shutil.copytree(photo_shelf / KEY, tmp_path / KEY)
    world = PhotoWorld(load_project(tmp_path / KEY), KEY, tmp_path / KEY)
    source = world.pictures(BLUETHROAT, 1)
    source[0].load()
    for photo in (tmp_path / KEY / "data" / BLUETHROAT).iterdir():
        photo.unlink()
    with pytest.raises(InputError, match="cannot be read") as caught:
        _ = source[0]
    assert str(tmp_path) not in str(caught.value)
    assert BLUETHROAT in str(caught.value)


def test_groups_are_attributes_with_values_and_predicates(world: PhotoWorld) -> None:
    assert world.groups["tail_shape"] == ("fanned", "forked")
    assert world.groups["crest"] == ("yes", "no")
    assert world.called("has_wing_color::blue") == "blue wing"
    assert [world.phrase("crest", v) for v in ("yes", "no", "")] == ["crest", "no crest", "crest"]
    assert world.phrase("tail_shape", "forked") == "forked tail"


def test_words_are_understood_where_they_stand(world: PhotoWorld) -> None:
    found = world.understand("a yellow bird with a glorious black crown and no forked tail")
    marks = {found.text[m.start : m.end]: m.label for m in found.marks}
    assert marks == {
        "yellow bird": "back, belly: yellow",
        "black crown": "crown: black",
        "forked tail": "tail shape: not forked",
    }
    assert [found.text[a:b] for a, b in found.clauses] == ["a yellow bird", "a glorious black crown", "no forked tail"]
    assert [found.text[a:b] for a, b in found.unknown] == ["glorious"]
    assert found.picks == {}, "words are read beside what is picked, not into picks"


@pytest.mark.parametrize(
    ("text", "message"),
    [("  ", "is empty"), ("x" * (DESCRIPTION + 1), "at most 1000"), ("zzz", "“zzz” was understood")],
)
def test_texts_that_say_nothing_are_told(world: PhotoWorld, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        world.understand(text)


def test_a_row_holds_what_was_said_and_the_usual_for_the_rest(world: PhotoWorld) -> None:
    seen = world.project.descriptions[:N_SEEN]
    row, usual = world.row(Described("a bird with a red crown", {}))[0], seen.mean(0)
    red, blue = column(world, "crown_color::red"), column(world, "crown_color::blue")
    assert row[red] > usual[red] and row[blue] < usual[blue]
    assert torch.equal(world.row(Described("", {}))[0], usual)


def test_picks_stand_at_the_seen_classes_highest_and_lowest(world: PhotoWorld) -> None:
    seen = world.project.descriptions[:N_SEEN]
    row = world.row(Described("a bird with a red crown", {"crown_color": "blue", "crest": "no"}))[0]
    for name, extreme in (("crown_color::blue", seen.amax(0)), ("crown_color::red", seen.amin(0))):
        assert row[column(world, name)] == extreme[column(world, name)]
    assert row[column(world, "crest")] == seen.amin(0)[column(world, "crest")]
    assert world.row(Described("", {"crest": "yes"}))[0, column(world, "crest")] == seen.amax(0)[column(world, "crest")]


def test_the_data_sets_own_words_are_its_own_numbers(world: PhotoWorld) -> None:
    own = world.own(GOLDFINCH)
    assert own == Described(words_of(GOLDFINCH), {}, GOLDFINCH)
    row = world.project.descriptions[NAMES.index(GOLDFINCH)]
    assert torch.equal(world.row(own)[0], row)
    assert torch.equal(world.row(Described("", {}, GOLDFINCH))[0], row)
    assert not torch.equal(world.row(replace(own, of=BLUETHROAT))[0], row), "words of another class are read"
    assert not torch.equal(world.row(replace(own, picks={"crest": "yes"}))[0], row)


def test_pictures_are_of_the_class_and_nothing_was_fitted_to_them(world: PhotoWorld) -> None:
    own = world.pictures_of(Described("", {}, BLUETHROAT), 100)
    assert own is not None and len(own.labels) == N_EACH
    assert set(own.labels) == {NAMES.index(BLUETHROAT)}
    assert world.pictures_of(Described("a bird", {}), 3) is None
    assert world.pictures_of(Described("", {}, NAMES[0]), 3) is None, "a seen class judges no new one"
    assert set(world.strangers(Described("", {}, BLUETHROAT)).labels) == {NAMES.index(GOLDFINCH)}
    assert set(world.strangers(Described("a bird", {})).labels) == {N_SEEN, N_SEEN + 1}
    tests = {p.resolve() for p in world.data.test_seen.source.paths}
    fresh = world.samples(100, fresh=True)
    assert {world.data.test_seen.source.paths[i].resolve() for i in fresh.indices} == tests
    assert not tests & {world.data.train.source.paths[i].resolve() for i in world.samples(100).indices}
    assert len(world.pictures(NAMES[0], 1).labels) == 1


def test_what_the_table_says_of_a_class(world: PhotoWorld) -> None:
    assert world.true_of("redcap") == {
        ("crown_color", "red"), ("back_color", "brown"), ("belly_color", "white"), ("tail_shape", "forked"),
        ("crest", ""),
    }  # fmt: skip


def test_words_are_read_back_by_their_worth(world: PhotoWorld) -> None:
    reader = world.learn_words()
    assert reader is not None
    assert reader.attribute_names == world.project.attribute_names
    assert ((reader.worth >= 0) & (reader.worth <= 1)).all() and reader.worth.max() > 0


def test_a_class_is_tried_on_its_own_pictures(world: PhotoWorld) -> None:
    described, project = world.own(BLUETHROAT), world.project
    features = features_of(world, world.pictures_of(described, 50))
    assert features.shape == (N_EACH, project.backbone.n_features)
    assert features_of(world, None).shape == (0, project.backbone.n_features)
    trial = try_out(project, project.learner.classifier(["x"], world.row(described)), features)
    assert trial.found == int((trial.predicted == N_SEEN).sum())
    done: list[int] = []
    found = jacobians_of(world, 3, progress=done.append)
    assert found.shape == (3, project.backbone.n_features, project.backbone.n_channels)
    assert sum(done) == 3


class Letters:
    """Stands in for a sentence encoder: how often each letter comes."""

    name = "letters"

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.array([[1 + text.count(chr(97 + i)) for i in range(26)] for text in sentences], dtype=np.float32)


@pytest.fixture(scope="module")
def sentence_world(tmp_path_factory: pytest.TempPathFactory) -> PhotoWorld:
    """The same classes, described by embedded sentences."""
    from photo_shelf import make_shelf

    from niwt_core import text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "load_encoder", lambda name: Letters())
        folder = make_shelf(tmp_path_factory.mktemp("sentences"), "texts", "sentences-of-six")
        world = PhotoWorld(load_project(folder), "sentences-of-six", folder)
        _ = world.knowledge
    return world


def test_embedded_sentences_have_no_groups_no_marks_and_no_words(sentence_world: PhotoWorld) -> None:
    assert sentence_world.groups == {}
    assert not sentence_world.is_named
    found = sentence_world.understand("a zzz bird, with a qqq crown")
    assert (found.marks, found.unknown) == ((), ())
    assert [found.text[a:b] for a, b in found.clauses] == ["a zzz bird", "with a qqq crown"]
    assert sentence_world.learn_words() is None


def test_embedded_sentences_make_rows_and_own_words_the_own_row(sentence_world: PhotoWorld) -> None:
    own = sentence_world.own(BLUETHROAT)
    row = sentence_world.row(replace(own, of=""))
    assert torch.allclose(row, sentence_world.row(own), atol=1e-6)
    assert not torch.allclose(row, sentence_world.row(Described("a black cat", {})), atol=1e-3)


def test_a_source_comes_back_from_its_card(tmp_path: Path) -> None:
    source = Source("cub", tmp_path / "cub", tmp_path / "cub" / "mine", "binary", "attributes+texts", "of/mine")
    assert source_of({"source": source.card()}) == source
    assert source.is_embedded and source.kinds == ("attributes", "texts")
    moved = source.moved(tmp_path / "new", None)
    assert (moved.root, moved.split) == (tmp_path / "new", tmp_path / "new" / "mine")
    assert source_of({"source": {"dataset": "folder", "root": "data"}}, tmp_path).root == tmp_path / "data"
    with pytest.raises(InputError, match="does not say where its data are"):
        source_of({"source": "there"})
