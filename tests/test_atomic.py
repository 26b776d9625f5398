"""What is written appears whole or not at all."""

import pytest

from sepvit_mm.atomic import written_whole


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_once_it_is_complete_and_replaces_the_old_one(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    for text in ('first', 'second'):
        before = path.read_text() if path.exists() else None
        with written_whole(path) as partial:
            partial.write_text(text)
            assert (path.read_text() if path.exists() else None) == before
        assert path.read_text() == text
        assert names(path.parent) == ['file.txt']


def test_a_folder_appears_with_all_of_its_files(tmp_path):
    path = tmp_path / 'folder'
    with written_whole(path) as partial:
        for name in ('a', 'b'):
            (partial / 'inner').mkdir(parents=True, exist_ok=True)
            (partial / 'inner' / name).touch()
            assert not path.exists()
    assert names(tmp_path) == ['folder']
    assert names(path / 'inner') == ['a', 'b']


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_an_error_leaves_what_was_there_and_nothing_else(kind, error, tmp_path):
    path = tmp_path / 'result'
    path.write_text('old')
    with pytest.raises(error), written_whole(path) as partial:
        if kind == 'folder':
            partial.mkdir()
            partial = partial / 'part'
        partial.write_text('half')
        raise error
    assert names(tmp_path) == ['result']
    assert path.read_text() == 'old'


def test_a_folder_with_files_is_never_replaced(tmp_path):
    path = tmp_path / 'folder'
    path.mkdir()
    (path / 'photo.jpg').touch()
    with pytest.raises(OSError), written_whole(path) as partial:
        partial.mkdir()
    with pytest.raises(OSError), written_whole(path) as partial:
        partial.touch()
    assert names(tmp_path) == ['folder'] and names(path) == ['photo.jpg']


@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_what_a_killed_process_left_is_cleared_away(kind, tmp_path):
    left = tmp_path / '.result.partial'
    if kind == 'folder':
        left.mkdir()
        (left / 'rest').touch()
    else:
        left.touch()
    with written_whole(tmp_path / 'result') as partial:
        assert not partial.exists()
        partial.write_text('whole')
    assert names(tmp_path) == ['result']
