import errno
import fcntl
import os
import stat

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


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_link_stays_a_link_also_where_its_target_is_to_come(tmp_path):
    (tmp_path / "there").mkdir()
    for target in ("there/old.txt", "there/new.txt"):
        link = tmp_path / "link.txt"
        link.symlink_to(target)
        write_atomically(link, target.encode())
        assert link.is_symlink() and (tmp_path / target).read_bytes() == target.encode()
        link.unlink()
    assert names(tmp_path / "there") == ["new.txt", "old.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444, 0o755])
def test_mode_and_owner_stay(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text("old")
    owner = (4321, 1234) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    path.chmod(mode)
    write_atomically(path, b"new")
    about = path.stat()
    assert (stat.S_IMODE(about.st_mode), (about.st_uid, about.st_gid)) == (mode, owner)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_the_umask_and_no_more_than_its_model(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a.txt", b"new")
        (tmp_path / "model").touch(0o640)
        write_atomically(tmp_path / "b.txt", b"new", like=tmp_path / "model")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "b.txt").stat().st_mode) == mode & 0o640


@pytest.mark.parametrize("error", [errno.EPERM, errno.EINVAL, errno.ENOTSUP])
def test_it_works_where_owners_modes_locks_and_flushing_do_not(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, "not here")

    (tmp_path / "a.txt").write_text("old")
    for module, name in ((os, "fchown"), (os, "fchmod"), (os, "fsync"), (fcntl, "flock")):
        monkeypatch.setattr(module, name, refuse)
    (tmp_path / ".a.txt.tmp").write_text("left behind, and nobody knows by whom")
    write_atomically(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert names(tmp_path) == [".a.txt.tmp", "a.txt"]


def test_what_a_killed_writer_has_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    temporary = tmp_path / ".a.txt.tmp"
    temporary.write_text("half")
    write_atomically(tmp_path / "a.txt", b"whole")
    assert names(tmp_path) == ["a.txt"]
    with temporary.open("w") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        write_atomically(tmp_path / "a.txt", b"in the meantime")
        assert names(tmp_path) == [".a.txt.tmp", "a.txt"]
    temporary.unlink()
    temporary.symlink_to(tmp_path / "victim")
    write_atomically(tmp_path / "a.txt", b"beside a link")
    assert (tmp_path / "a.txt").read_bytes() == b"beside a link" and not (tmp_path / "victim").exists()


def test_devices_and_folders_are_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(FileExistsError, match="not a regular file"):
            write_atomically(tmp_path / name, b"x")
    assert names(tmp_path) == ["folder", "pipe"]


def test_the_folder_is_flushed_after_the_move(tmp_path, monkeypatch):
    done = []

    def noted(name, real):
        return lambda *arguments: (done.append(name), real(*arguments))[1]

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    write_atomically(tmp_path / "a.txt", b"x")
    assert done == ["fsync", "replace", "fsync"]
