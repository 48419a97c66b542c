import base64
import io
import subprocess
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest
from PIL import Image

from tools import run_notebooks
from tools.book_files import ROOT, notebooks


def names(code):
    return {path.relative_to(ROOT / "ocrbook").as_posix() for path in run_notebooks.helper_modules(code)}


@pytest.mark.parametrize(
    ("code", "expected", "unexpected"),
    [
        ("import numpy", {"__init__.py", "fonts.py", "logs.py"}, {"page.py", "models.py"}),
        ("from ocrbook.page import Page", {"page.py"}, {"models.py", "show.py"}),
        ("from ocrbook import metrics, show", {"metrics.py", "show.py", "page.py"}, {"models.py"}),
        ("from ocrbook.render import degrade", {"render/texts.py", "render/degrade.py"}, {"models.py"}),
        ("x = 1\nimport ocrbook.models", {"models.py", "folders.py"}, {"metrics.py"}),
    ],
)
def test_helper_modules_are_followed_through_their_imports(code, expected, unexpected):
    found = names(code)
    assert expected <= found
    assert not unexpected & found


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with one notebook, one helper module and one data set."""
    for name, content in {
        "requirements.txt": "a==1\n",
        "tools/constraints.txt": "b==1\n",
        "ocrbook/__init__.py": "",
        "ocrbook/used.py": "ONE = 1\n",
        "ocrbook/unused.py": "TWO = 2\n",
        "ocrbook/program.py": "THREE = 3\n",
        "datasets/some/Label.txt": "x\n",
        "notebooks/deployment/clients/client.sh": "x\n",
        "notebooks/deployment/others/client.sh": "x\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    code = "from ocrbook.used import ONE\nopen('datasets/some/Label.txt')\n"
    code += 'run("-m", "ocrbook.program")\nopen("notebooks/deployment/clients/client.sh")'
    cell = nbformat.v4.new_code_cell(code)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Hi"), cell]), tmp_path / "a.ipynb")
    monkeypatch.setattr(run_notebooks, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("requirements.txt", True),
        ("tools/constraints.txt", True),
        ("ocrbook/used.py", True),
        ("ocrbook/unused.py", False),
        ("ocrbook/program.py", True),
        ("notebooks/deployment/clients/client.sh", True),
        ("notebooks/deployment/others/client.sh", False),
        ("datasets/some/Label.txt", True),
    ],
)
def test_digest_changes_with_what_decides_the_outputs(clone, file, counts):
    before = run_notebooks.digest("a.ipynb")
    (clone / file).write_text("changed = 1\n")
    assert (run_notebooks.digest("a.ipynb") != before) is counts


def test_digest_ignores_prose_and_notices_code(clone):
    before = run_notebooks.digest("a.ipynb")
    notebook = nbformat.read(clone / "a.ipynb", as_version=4)
    notebook.cells[0].source = "# Other title"
    nbformat.write(notebook, clone / "a.ipynb")
    assert run_notebooks.digest("a.ipynb") == before
    notebook.cells[1].source += "\nprint()"
    nbformat.write(notebook, clone / "a.ipynb")
    assert run_notebooks.digest("a.ipynb") != before


def test_digest_ignores_the_first_cell(clone):
    before = run_notebooks.digest("a.ipynb")
    notebook = nbformat.read(clone / "a.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("find()", metadata={"tags": ["remove-cell"]}))
    nbformat.write(notebook, clone / "a.ipynb")
    assert run_notebooks.digest("a.ipynb") == before


@pytest.fixture
def commit(clone, monkeypatch):
    """A function that commits the clone, whose notebook takes 3 seconds."""
    record = clone / "notebooks.json"
    record.write_text('{"a.ipynb": {"seconds": 3}, "b.ipynb": {"seconds": 2}, "c.ipynb": {"seconds": 500}}')
    monkeypatch.setattr(run_notebooks, "RECORD", record)
    monkeypatch.setattr(run_notebooks, "notebooks", lambda: sorted(p.relative_to(clone) for p in clone.glob("*.ipynb")))
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a"]
    subprocess.run([*git, "init", "-q"], check=True)

    def commit():
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "x"], check=True)
        return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    return commit


@pytest.mark.parametrize(
    ("file", "counts"), [("ocrbook/used.py", True), ("ocrbook/unused.py", False), ("requirements.txt", True)]
)
def test_notebook_is_touched_by_what_decides_its_outputs(clone, commit, file, counts):
    base = commit()
    assert run_notebooks.touched(base) == []
    (clone / file).write_text("changed = 1\n")
    commit()
    assert run_notebooks.touched(base) == [Path("a.ipynb")] * counts
    assert run_notebooks.touched("0" * 40) == [Path("a.ipynb")]  # git doesn't know: all


def test_check_runs_two_quick_notebooks_whose_own_code_changed_and_names_the_others(clone, commit, capsys):
    source = (clone / "a.ipynb").read_text()
    for name in ("b", "c", "d"):
        (clone / f"{name}.ipynb").write_text(source)
    commit()
    (clone / "ocrbook/used.py").write_text("ONE = 2\n")
    (clone / "d.ipynb").write_text(source.replace("# Hi", "# Other prose"))
    assert run_notebooks.changed() == []
    for name in ("a", "b", "c", "e"):
        (clone / f"{name}.ipynb").write_text(source.replace("run(", "walk("))
    assert run_notebooks.changed() == [Path("a.ipynb"), Path("b.ipynb")]
    assert capsys.readouterr().err == "changed, too, and left to `make test`: c.ipynb e.ipynb\n"


def test_only_plain_names_go_to_a_command_line(capsys):
    run_notebooks._print_names([Path("notebooks/a/01_b.ipynb")])
    assert capsys.readouterr().out == "notebooks/a/01_b.ipynb\n"
    for name in ("a$(id).ipynb", "a b.ipynb", "-x.ipynb", "a;b.ipynb", "a\nb.ipynb"):
        with pytest.raises(SystemExit, match="letters, digits"):
            run_notebooks._print_names([Path(name)])


@pytest.mark.parametrize("folder", ["clients", "csharp"])
def test_code_in_other_languages_belongs_to_a_notebook(folder):
    files = {path for path in (ROOT / "notebooks" / "deployment" / folder).rglob("*") if path.is_file()}
    assert any(files <= set(run_notebooks.inputs(path)) for path in notebooks())


def test_execution_stores_outputs_without_stderr_and_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(run_notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(run_notebooks, "SHOWCASE", tmp_path / "showcase")
    pixel = base64.b64encode(b"GIF").decode()
    code = (
        "import subprocess, sys; print('out'); print('noise', file=sys.stderr)\n"
        "subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 1: pass'])\n"
        f"from IPython.display import display; display({{'image/jpeg': '{pixel}'}}, raw=True)"
    )
    cell = nbformat.v4.new_code_cell(
        code, metadata={"showcase": "picture", "execution": {"iopub.execute_input": "now"}}
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    measured = run_notebooks.execute("a.ipynb")
    stored = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    assert [output.get("text") for output in stored.cells[0].outputs] == ["out\n", None]
    assert stored.metadata == run_notebooks._METADATA
    assert "execution" not in stored.cells[0].metadata
    assert (tmp_path / "showcase" / "picture.jpg").read_bytes() == b"GIF"
    assert len(stored.cells) == 1
    assert measured["peak_megabytes"] > 10
    assert measured["seconds"] >= 1, "programs that the notebook starts cost something, too"


def test_charts_are_stored_with_a_palette_and_look_the_same():
    drawn = np.random.default_rng(0).integers(0, 6, (40, 60, 1), np.uint8).repeat(3, axis=2) * 50
    png = base64.b64encode(cv2.imencode(".png", drawn)[1].tobytes()).decode()
    output = nbformat.v4.new_output("display_data", {"image/png": png})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    run_notebooks.normalise(notebook)
    stored = base64.b64decode(notebook.cells[0].outputs[0].data["image/png"])
    assert Image.open(io.BytesIO(stored)).mode == "P"
    assert np.array_equal(cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR), drawn)


def test_start_page_shows_the_pictures_of_the_notebooks():
    pictures = {}
    for path in notebooks():
        pictures |= run_notebooks.showcase_pictures(nbformat.read(ROOT / path, as_version=4))
    assert pictures == {path.name: path.read_bytes() for path in run_notebooks.SHOWCASE.iterdir()}
