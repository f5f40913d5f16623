"""The core knows no Streamlit: not by its imports, and not at run time."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_module_of_the_core_imports_streamlit_or_the_pages():
    for path in (ROOT / "niwt_core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            assert not [n for n in names if n.split(".")[0] in ("streamlit", "pages", "app")], path


def test_running_the_core_loads_no_streamlit():
    code = "import sys, niwt_core.pipeline, niwt_core.birds.described; assert 'streamlit' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
