"""Tracing a network into a graph, while other threads go on using theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from torch import fx, nn

#: One trace at a time: each puts back what it found in place of `nn.Module.__call__`.
_TURN = threading.RLock()


class Tracer(fx.Tracer):
    """`fx.Tracer` for a server with threads.

    While it traces, torch.fx takes the place of `nn.Module.__call__` and `__getattr__` in the whole process: every
    network that another thread uses in that moment would be taken for a part of the traced one, and refused. Here what
    other threads call is let through as it is.
    """

    def trace(self, *args: Any, **kwargs: Any) -> fx.Graph:
        with _TURN:
            self._thread = threading.get_ident()
            return super().trace(*args, **kwargs)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def trace(model: nn.Module) -> fx.GraphModule:
    """`fx.symbolic_trace`, in its turn."""
    return fx.GraphModule(model, Tracer().trace(model))
