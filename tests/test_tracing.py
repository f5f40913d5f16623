from threading import Thread

import torch
from torch import fx, nn

from niwt_core.network.tracing import trace


def other_thread(results: list) -> None:
    """A network of somebody else's, used in a thread of its own."""

    def use() -> None:
        try:
            results.append(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()(torch.zeros(1, 3)).shape)
        except Exception as error:  # kept for the test
            results.append(error)

    thread = Thread(target=use)
    thread.start()
    thread.join()


class Busy(nn.Module):
    """While it is traced, another thread uses another network."""

    def __init__(self, results: list) -> None:
        super().__init__()
        self.inner, self.results = nn.Linear(4, 4), results

    def forward(self, x):
        other_thread(self.results)
        return self.inner(x)


def test_what_other_threads_use_goes_on_while_a_network_is_traced():
    results: list = []
    graph = trace(Busy(results)).graph
    assert results == [torch.Size([1, 2])]
    assert [node.op for node in graph.nodes] == ["placeholder", "call_module", "output"]


def test_torch_itself_would_have_refused_it():
    """Should this fail, torch does it by itself, and `niwt_core.network.tracing` can go."""
    results: list = []
    fx.symbolic_trace(Busy(results))
    assert isinstance(results[0], NameError)
