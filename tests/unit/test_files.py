import pytest

from ocrbook.files import write_atomically


def test_content_is_written_and_nothing_else_is_left(tmp_path):
    write_atomically(tmp_path / "a.txt", b"first")
    write_atomically(tmp_path / "a.txt", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"second")]


def test_old_content_survives_a_failure(tmp_path):
    write_atomically(tmp_path / "a.txt", b"old")
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a.txt", "not bytes")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"old")]
