"""Many processes: shares and noise by hand, and a real fit in two processes, of which one is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from drawn_folder import write_drawn_folder
from safetensors.torch import load_file
from team_tuning import tuned
from torch import distributed, nn

from benchmarks.serving import free_port
from niwt_core.__main__ import main
from niwt_core.errors import InputError, LostProcessError
from niwt_core.importance import ImportanceSums
from niwt_core.network.finetune import CachedActivations
from niwt_core.pipeline import FitOptions, fit
from niwt_core.processes import ALONE, Team, hearts
from niwt_core.processes.hearts import Hearts
from niwt_core.processes.launched import launched_team
from niwt_core.processes.noise import shared_noise
from niwt_core.project import load_project
from niwt_core.transfer import JacobianSums, statistics_of

ROOT = Path(__file__).parents[1]
PATIENCE = 120


class With(Team):
    """The first of two processes; what the second has is given beforehand, in the order in which it is asked for."""

    def __init__(self, *others):
        super().__init__(0, 2)
        self.__dict__["others"] = list(others)

    def summed(self, part):
        return part + self.others.pop(0)


class Heard(Team):
    """The second of two processes; keeps what it is asked to add up."""

    def __init__(self):
        super().__init__(1, 2)
        self.__dict__["parts"] = []

    def summed(self, part):
        self.parts.append(part.clone())
        return part


def test_shares_are_disjoint_whole_and_even():
    shares = [Team(rank, 3).share(10) for rank in range(3)]
    assert sorted(i for share in shares for i in share) == list(range(10))
    assert [len(share) for share in shares] == [4, 3, 3]
    assert list(ALONE.share(3)) == [0, 1, 2]


def test_statistics_of_two_shares_are_those_of_all_images():
    jacobians = torch.randn(21, 6, 4, generator=torch.Generator().manual_seed(0))
    jacobians *= torch.arange(1, 22)[:, None, None]  # so that a mean of two means would be another one
    sums = [JacobianSums(), JacobianSums()]
    for rank in (0, 1):
        for i in Team(rank, 2).share(21):
            sums[rank].add(jacobians[i])
    second = Heard()
    sums[1].mean(second)
    together, whole = sums[0].mean(With(*second.parts)), statistics_of(jacobians)
    assert together.n_images == 21
    assert torch.allclose(together.gram, whole.gram, rtol=1e-6)
    assert torch.allclose(together.jacobian, whole.jacobian, rtol=1e-6)


def test_sums_that_were_kept_go_on_to_the_same_numbers():
    jacobians = torch.randn(21, 6, 4, generator=torch.Generator().manual_seed(0))
    first = JacobianSums()
    for jacobian in jacobians[:16]:
        first.add(jacobian)
    assert first.is_whole
    again = JacobianSums.of({name: tensor.clone() for name, tensor in first.tensors().items()})
    for jacobian in jacobians[16:]:
        again.add(jacobian)
    found, whole = again.mean(), statistics_of(jacobians)
    assert torch.equal(found.gram, whole.gram)
    assert torch.equal(found.jacobian, whole.jacobian)


def test_importances_of_two_shares_are_means_over_all_images():
    alpha = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [8.0, 8.0]])
    labels = torch.tensor([0, 1, 0, 0])
    sums = [ImportanceSums(2), ImportanceSums(2)]
    for rank in (0, 1):
        mine = list(Team(rank, 2).share(4))
        sums[rank].add(alpha[mine], labels[mine])
    second = Heard()
    with pytest.raises(InputError, match="Class number"):
        ImportanceSums.of(sums[0].tensors(), 2).mean(torch.float32)  # class 1 is with the other process alone
    sums[1].mean(torch.float32, second)
    found = sums[0].mean(torch.float32, With(*second.parts))
    assert found.n_images.tolist() == [3, 1]
    assert torch.allclose(found.values, torch.tensor([[14 / 3, 16 / 3], [3.0, 4.0]]))


def test_a_process_holds_its_own_images_and_finds_them_by_their_numbers():
    plain = torch.arange(6.0).half()[:, None, None, None]
    labels = torch.arange(6) * 10
    rows = torch.tensor([1, 3, 5])
    mine = CachedActivations(plain[rows], plain[rows][None] + 100, labels, rows)
    assert [float(a) for a in mine.singles(torch.tensor([5, 0, 3]))] == [5, 3]
    assert [float(a) for a in mine.singles(torch.tensor([5, 0, 3]), start=1)] == [3]
    assert [y.tolist() for _, y in mine.batches(2)] == [[10, 30], [50]]
    assert [y.tolist() for _, y in mine.batches(2, start=2)] == [[50]]
    assert mine.views(torch.tensor([3, 5]), torch.tensor([1, 0])).flatten().tolist() == [103, 5]
    part = mine.of(torch.tensor([0, 3, 4, 5]), torch.tensor([7, 8, 9, 6]))
    assert part.plain.flatten().tolist() == [3, 5]
    assert part.rows.tolist() == [1, 3]
    assert [y.tolist() for _, y in part.batches()] == [[8, 6]]


def test_two_processes_draw_the_noise_of_one():
    head = nn.Sequential(nn.Linear(5, 7), nn.Dropout(0.4), nn.Sequential(nn.Dropout(0.2)))
    inputs = torch.randn(9, 5)
    torch.manual_seed(3)
    whole, state = head(inputs), torch.get_rng_state()
    for rows in (torch.tensor([0, 2, 8]), torch.tensor([1, 3, 4, 5, 6, 7])):
        torch.manual_seed(3)
        with shared_noise(head) as batch:
            batch.begins(9)
            batch.takes(rows)
            assert torch.allclose(head(inputs[rows]), whole[rows], atol=1e-6)
        assert torch.equal(torch.get_rng_state(), state)
    assert type(head[1]) is nn.Dropout
    assert type(head[2][0]) is nn.Dropout


def test_noise_is_drawn_once_a_batch_whatever_its_parts():
    head = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    with shared_noise(head) as batch:
        batch.begins(6)
        found = []
        for rows in (torch.tensor([0, 4]), torch.tensor([5, 1, 2, 3])):
            batch.takes(rows)
            found.append(head(torch.ones(len(rows), 50)))
        batch.takes(torch.arange(6))
        whole = head(torch.ones(6, 50))
        assert torch.equal(whole[[0, 4, 5, 1, 2, 3]], torch.cat(found))
        batch.begins(6)
        batch.takes(torch.arange(6))
        assert not torch.equal(head(torch.ones(6, 50)), whole)


def test_a_teams_parts_of_a_batch_are_those_of_one_process():
    plain, labels = torch.zeros(20, 1, 1, 1).half(), torch.arange(20)
    chosen = torch.tensor([3, 17, 8, 0, 11, 19, 16])
    one = CachedActivations(plain, plain[None], labels)
    assert [chosen[part].tolist() for part in one.divided(chosen, 8)] == [[8, 0, 16], [17], [3, 11, 19]]
    assert [chosen[part].tolist() for part in one.divided(chosen, 1)] == [chosen.tolist()]
    shares = [torch.tensor(list(Team(rank, 2).share(20))) for rank in (0, 1)]
    two = [CachedActivations(plain[rows], plain[None][:, rows], labels, rows) for rows in shares]
    assert [[chosen[part].tolist() for part in mine.divided(chosen, 8)] for mine in two] == [
        [[8, 0, 16]], [[17], [3, 11, 19]]
    ]  # fmt: skip
    some = torch.tensor([1, 3, 8, 17])  # numbers stay what they were in the whole
    assert [some[part].tolist() for part in two[1].of(some, labels[some]).divided(torch.arange(4), 8)] == [[1, 17], [3]]
    assert [len(part) for part in two[0].divided(torch.tensor([1, 3]), 8)] == [0]


def test_a_batchs_parts_fit_the_team():
    assert [FitOptions().parts_for(Team(0, n)) for n in (1, 2, 3, 4, 8, 16)] == [1, 8, 3, 8, 8, 16]
    assert FitOptions(n_parts=6).parts_for(Team(0, 3)) == 6
    with pytest.raises(InputError, match="6 parts of a batch came for 4 processes; expected a multiple"):
        FitOptions(n_parts=6).parts_for(Team(0, 4))


def test_a_team_that_is_too_large_is_refused(small_data, small_project):
    with pytest.raises(InputError, match="9 processes came for 24 training images and 24 sample images; expected at"):
        fit(small_data, small_project.backbone, options=FitOptions(n_samples=30), team=Team(0, 9))


def test_without_a_launcher_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with launched_team("cpu") as team:
        assert (team.rank, team.size, team.device.type) == (0, 1, "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="No CUDA device"), launched_team("cuda"):
            pass


@pytest.fixture
def quick_hearts(monkeypatch):
    monkeypatch.setattr(hearts, "BEAT", 0.02)
    monkeypatch.setattr(hearts, "LOOK", 0.3)


@pytest.fixture
def three(quick_hearts):
    """Three processes of one store; the hearts of the first two beat."""
    store = distributed.HashStore()
    found = [Hearts(store, rank, 3, 60, "do this.") for rank in range(3)]
    for heart in found[:2]:
        heart.start()
    yield found
    for heart in found:
        heart.end()


def test_the_process_whose_heart_stands_still_is_named(three):
    three[0].stage = "statistics"
    assert three[0].sentence() == "Process 3 of 3 was lost during statistics; do this."


def test_a_process_that_stops_by_itself_has_its_words_repeated(three):
    three[2].end("crow.jpg is damaged.")
    assert three[0].sentence() == "Process 3 of 3 stopped during the start: crow.jpg is damaged."
    three[1].end()  # as it should
    assert "Process 3 of 3 stopped" in three[0].sentence()


def test_a_process_that_gives_no_sign_of_life_ends_the_others(quick_hearts, monkeypatch, capsys):
    ended = []
    monkeypatch.setattr(hearts.os, "_exit", ended.append)
    store = distributed.HashStore()
    alive, frozen = (Hearts(store, rank, 2, 0.3, "do this.") for rank in (0, 1))
    frozen.start()
    alive.start()
    time.sleep(0.6)
    assert not ended
    frozen._ended.set()  # it beats no more, and has not said that it is done
    time.sleep(1)
    alive.end()
    assert ended[0] == LostProcessError.CODE
    assert "error: Process 2 of 2 was lost during the start; do this." in capsys.readouterr().err


# Real processes from here on: a fit of drawn birds, in one process and in two.


@contextmanager
def one_thread():
    """As a launcher holds each process: with more threads sums have another order, and other last bits."""
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n)


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    """Arguments of the fit, and the project that one process makes."""
    folder = tmp_path_factory.mktemp("many")
    write_drawn_folder(folder / "birds")
    words = ["fit", "--dataset", "folder", "--root", str(folder / "birds"), "--backbone", "paper_bird_net"]
    words += ["--weights", "random", "--layer", "features.stage4", "--epochs", "1", "--views", "1", "--device", "cpu"]
    words += ["--parts", "8"]
    with one_thread():
        assert main([*words, "--output", str(folder / "one")]) == 0
    return words, load_project(folder / "one")


def assert_alike(one, other):
    for name, a, b in (
        ("gram", one.statistics.gram, other.statistics.gram),
        ("jacobian", one.statistics.jacobian, other.statistics.jacobian),
        ("importances", one.importances.values, other.importances.values),
        ("means", one.measured.means, other.measured.means),
        ("within", one.measured.within, other.measured.within),
    ):
        assert (a - b).abs().max() <= 1e-5 * a.abs().max(), name
    assert one.importances.n_images.tolist() == other.importances.n_images.tolist()
    assert one.card["figures"] == other.card["figures"]


def environment(**more):
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def test_two_processes_learn_the_weights_of_one_to_the_last_bit(tmp_path):
    file = tmp_path / "weights.safetensors"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(ROOT / "tests" / "team_tuning.py"), str(file)],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    with one_thread():
        two, one, whole = load_file(file), tuned(8), tuned(1)
    assert all(torch.equal(two[name], weights) for name, weights in one.items())
    assert not all(torch.equal(two[name], weights) for name, weights in whole.items())  # small sums go another way


def test_a_killed_process_is_named_and_the_two_go_on_to_the_project_of_one(birds, tmp_path):
    words, one = birds
    words = [*words, "--output", str(tmp_path / "p"), "--checkpoint", str(tmp_path / "kept"), "--checkpoint-every", "0"]
    port = str(free_port())
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "niwt_core", *words],
            cwd=ROOT,
            env=environment(
                RANK=rank,
                LOCAL_RANK=rank,
                WORLD_SIZE="2",
                LOCAL_WORLD_SIZE="2",
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=port,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "kept" / "rehearsed.checkpoint.safetensors").is_file():
            assert time.monotonic() < until
            assert running[0].poll() is None, running[0].communicate()
            time.sleep(0.01)
        running[1].send_signal(signal.SIGKILL)
        err = running[0].communicate(timeout=60)[1]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert running[0].returncode == 3, err
    assert "error: Process 2 of 2 was lost during " in err
    assert "; run the same command again, it goes on from its last checkpoint." in err
    assert "Traceback" not in err
    assert not (tmp_path / "p").exists()

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "niwt_core"]
    done = subprocess.run(
        [*command, *words], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert "fine-tuning" in done.stderr
    assert "rehearsal" not in done.stderr  # that is in the checkpoint
    assert done.stdout.count("harmonic mean of S and U") == 1  # the main process alone says it
    assert not (tmp_path / "kept").exists()
    assert_alike(one, load_project(tmp_path / "p"))
