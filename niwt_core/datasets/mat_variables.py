"""Variables of a MATLAB file, printed as one JSON object: python mat_variables.py FILE NAME...

A program of its own, because SciPy's reader can crash the whole process on damaged files (scipy/scipy#6072 was one
such file). It imports nothing of this project, so that it starts quickly.
"""

import json
import sys
from typing import Any

import numpy as np
from scipy.io import loadmat


def plain(value: Any) -> list[Any]:
    """Numbers as numbers, a cell array of texts (or rows of characters) as texts, anything else as None."""
    flat = np.ravel(value)
    if flat.dtype.kind in "iuf":
        return flat.tolist()
    firsts = [np.ravel(cell)[0] if np.size(cell) == 1 else None for cell in flat]
    return [str(first) if isinstance(first, str) else None for first in firsts]


def main() -> None:
    path, *names = sys.argv[1:]
    try:
        variables = loadmat(path, variable_names=names)
        found = {name: plain(variables[name]) for name in names if name in variables}
    except NotImplementedError:
        print(json.dumps({"error": "version 7.3"}))
    except Exception as error:  # the reader raises many kinds on damaged data, all meaning the same
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
    else:
        print(json.dumps({"found": found}))


if __name__ == "__main__":
    main()
