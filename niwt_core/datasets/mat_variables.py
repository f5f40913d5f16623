"""Variables of a MATLAB file, printed as one JSON object.

python mat_variables.py FILE VALUES CHARACTERS MEMORY NAME...: at most so many values in a variable, characters in a
text and bytes of address space.

A program of its own, because SciPy's reader can crash the whole process on damaged files (scipy/scipy#6072 was one
such file), and because a few bytes can be packed zeros that take all memory there is. It imports nothing of this
project, so that it starts quickly.
"""

import contextlib
import json
import sys
from typing import Any

import numpy as np
from scipy.io import loadmat


def plain(value: Any, most_values: int, most_characters: int) -> list[Any]:
    """Numbers as numbers, a cell array of texts (or rows of characters) as texts, anything else as None.

    Raises:
        ValueError: more values, or a longer text, than there may be.
    """
    flat = np.ravel(value)
    if flat.size > most_values:
        raise ValueError(f"{flat.size:,} values where at most {most_values:,} were expected")
    if flat.dtype.kind in "iuf":
        return flat.tolist()
    firsts = [np.ravel(cell)[0] if np.size(cell) == 1 else None for cell in flat]
    texts = [str(first) if isinstance(first, str) else None for first in firsts]
    if longest := max((len(text) for text in texts if text is not None and len(text) > most_characters), default=0):
        raise ValueError(f"a text of {longest:,} characters where at most {most_characters:,} were expected")
    return texts


def read(path: str, most_values: int, most_characters: int, names: list[str]) -> dict[str, Any]:
    """{"found": values by name}, or {"error": why the file cannot be read}."""
    try:
        variables = loadmat(path, variable_names=names)
        return {"found": {n: plain(variables[n], most_values, most_characters) for n in names if n in variables}}
    except NotImplementedError:
        return {"error": "version 7.3"}
    except Exception as error:  # the reader raises many kinds on damaged data, all meaning the same
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def main() -> None:
    path, values, characters, memory, *names = sys.argv[1:]
    with contextlib.suppress(ImportError, ValueError, OSError):  # where the system has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    print(json.dumps(read(path, int(values), int(characters), names)))


if __name__ == "__main__":
    main()
