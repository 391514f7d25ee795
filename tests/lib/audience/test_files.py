"""Files beside their places: put there together, or none is left, whatever broke off."""

import pytest

from lib.audience.erasing import erase_in_files
from lib.audience.files import Drafts, draft_path
from lib.errors import PublishRefused


def write_list(file):
    file.write(b"user_id\nana\n")


def fail(error):
    def write(file):
        write_list(file)
        raise error

    return write


def draft(folder, error, *writes):
    """Write files beside their places, and break off."""
    with Drafts() as drafts:
        for number, write in enumerate(writes):
            drafts.add(str(folder / f"list{number}.csv"), write)
        raise error


def test_files_come_to_their_places_together(tmp_path):
    targets = [str(tmp_path / "new" / name) for name in ("list.csv", "list.control.csv")]
    with Drafts() as drafts:
        for target in targets:
            drafts.add(target, write_list)
        assert not any((tmp_path / "new").glob("list*"))
        assert drafts.keep() == targets
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["list.control.csv", "list.csv"]


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        (PublishRefused("a limit of the channel's"), PublishRefused, "^a limit of the channel's$"),
        (RuntimeError("the engine died"), RuntimeError, "^the engine died$"),
        (KeyboardInterrupt("stopped"), KeyboardInterrupt, "^stopped$"),
        (
            OSError(28, "No space left on device"), PublishRefused,
            r"list1.csv cannot be written: .*No space left on device. The published list stays\.$",
        ),
    ],
)  # fmt: skip
def test_nothing_is_left_of_what_broke_off_nor_of_the_files_before_it(tmp_path, error, raised, message):
    with pytest.raises(raised, match=message):
        draft(tmp_path, AssertionError, write_list, fail(error))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_the_list_could_not_be_put_in_use(tmp_path):
    with pytest.raises(RuntimeError, match=r"^no commit$"):
        draft(tmp_path, RuntimeError("no commit"), write_list)
    assert list(tmp_path.iterdir()) == []


def test_who_is_forgotten_stands_in_no_draft_that_a_kill_left(tmp_path):
    reports, target = tmp_path / "reports", tmp_path / "list.csv"
    drafts = [draft_path(target), draft_path(reports / "buy_7d" / "2024-06-03.html")]
    for draft in drafts:
        draft.parent.mkdir(exist_ok=True, parents=True)
        draft.write_text("user_id\nana\n")
    assert list(erase_in_files(str(reports), [str(target)], ["ana"])) == [
        "0 of 0 reports", "2 files of lists and reports that were never finished"
    ]  # fmt: skip
    assert not any(draft.exists() for draft in drafts)
