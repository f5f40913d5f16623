"""What a page shows, as Streamlit's messages build it up: a flat table of places and the elements that stand there.

A browser keeps the same as a tree. What of it matters here: an element replaces whatever stood in its place, a block
keeps what stands in it, and at the end of a run everything goes that the run has not sent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

Path = tuple[int, ...]

#: Fields of elements that hold words for the eye.
_WORDS = ("title", "label", "body", "text", "caption", "message", "placeholder", "alt")


class ProtocolError(RuntimeError):
    """A message that a browser would stumble over."""


@dataclass(frozen=True)
class Node:
    """What stands in one place.

    Attributes:
        kind: of element ("button"), or "block". proto: the element, or the block.
        run: the script run that sent it last. fragment: the fragment it belongs to, or "". script: of which page.
    """

    kind: str
    proto: Any
    run: str
    fragment: str
    script: str

    @property
    def id(self) -> str:
        """The id of a widget; "" for what is none."""
        return getattr(self.proto, "id", "")

    @property
    def key(self) -> str:
        """The key that the page gave a widget; "" where it gave none."""
        parts = self.id.split("-", 2)  # $$ID-<hash>-<key>
        return parts[2] if len(parts) == 3 and parts[0] == "$$ID" and parts[2] != "None" else ""

    @property
    def label(self) -> str:
        return getattr(self.proto, "label", "")

    @property
    def words(self) -> str:
        """What of it can be read, line by line."""
        of = self.proto.imgs if self.kind == "imgs" else [self.proto]
        found = [str(getattr(part, name)) for part in of for name in _WORDS if getattr(part, name, "")]
        return "\n".join(found)


class Tree:
    """The page as it stands."""

    def __init__(self) -> None:
        self.nodes: dict[Path, Node] = {}
        self.run = ""  # what arrives belongs to the run that began last

    def take(self, message: ForwardMsg) -> None:
        """Put a delta in its place.

        Raises:
            ProtocolError: a delta of a kind that is not known here.
        """
        delta, path = message.delta, tuple(message.metadata.delta_path)
        run, script = self.run, message.metadata.active_script_hash
        what = delta.WhichOneof("type")
        if what == "new_element":
            kind = delta.new_element.WhichOneof("type")
            self._clear_below(path)
            self.nodes[path] = Node(kind, getattr(delta.new_element, kind), run, delta.fragment_id, script)
        elif what == "add_block":
            self.nodes[path] = Node("block", delta.add_block, run, delta.fragment_id, script)
        elif what == "new_transient":
            pass  # a spinner over what stands there, gone with the run
        else:
            raise ProtocolError(f"a delta of the kind {what}")

    def begin(self, run: str) -> None:
        """A run begins."""
        self.run = run

    def keep_script(self, script: str) -> None:
        """Another page begins: only what the main script put there stays."""
        self.nodes = {path: node for path, node in self.nodes.items() if node.script == script}

    def finish(self, run: str, fragments: tuple[str, ...]) -> None:
        """A run is over: what it has not sent again goes; after a run of fragments, of theirs alone."""
        self.nodes = {
            path: node
            for path, node in self.nodes.items()
            if node.run == run or (fragments and node.fragment not in fragments)
        }

    def of_kind(self, *kinds: str) -> list[Node]:
        """All elements of some kinds, in the order of the page."""
        return [node for _, node in self._sorted() if node.kind in kinds]

    def find(self, key: str = "", label: str = "", kind: str = "") -> Node | None:
        """The first widget with this key, or this beginning of its label; None where there is none."""
        for _, node in self._sorted():
            if kind and node.kind != kind:
                continue
            if (key and node.key == key) or (label and node.kind != "block" and node.label.startswith(label)):
                return node
        return None

    def keys(self, beginning: str = "") -> list[str]:
        """The keys of the page's widgets that begin so."""
        return [node.key for _, node in self._sorted() if node.key and node.key.startswith(beginning)]

    @property
    def words(self) -> str:
        """Everything that can be read, from top to bottom."""
        return "\n".join(node.words for _, node in self._sorted() if node.kind != "block" and node.words)

    @property
    def title(self) -> str:
        """The page's one title."""
        return next((node.proto.body for node in self.of_kind("heading") if node.proto.tag == "h1"), "")

    def holds(self, word: str) -> bool:
        """Whether a word stands anywhere, in what can be read or in what charts are drawn from."""
        sought = word.lower().encode()
        return any(sought in node.proto.SerializeToString().lower() for node in self.nodes.values())

    def _sorted(self) -> Iterator[tuple[Path, Node]]:
        yield from sorted(self.nodes.items())

    def _clear_below(self, path: Path) -> None:
        n = len(path)
        for other in [p for p in self.nodes if len(p) > n and p[:n] == path]:
            del self.nodes[other]
