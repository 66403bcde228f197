"""What was opened, and the hints of each."""

from pathlib import Path

import pytest

from colorify.widgets.shelf import History, Item, Shelf, mark

A, B = mark(1, 2, "#ff0000", (10, 10)), mark(3, 4, "#00ff00", (10, 10))


def test_steps_are_undone_and_redone():
    history = History()
    for marks in ([A], [A, B], [B]):
        history.change(marks)
    history.undo()
    history.undo()
    assert history.now == (A,)
    history.redo()
    assert history.now == (A, B)
    history.change([A])
    history.redo()
    assert history.now == (A,), "a new step forgets what was undone"
    for _ in range(9):
        history.undo()
    assert history.now == ()


def test_hints_of_a_film_are_those_of_its_moments():
    item = Item(1, "mine", Path("mine.mp4"), film=True)
    for item.moment, marks in ((2.00049, [A, B]), (1.5, []), (0.0, [B])):
        item.history.change(marks)
    assert item.times() == [0.0, 2.00049]
    assert [(hint.x, hint.time) for hint in item.timed()] == [(3, 0.0), (1, 2.0), (3, 2.0)]


def test_what_changes_nothing_is_no_step():
    history = History()
    history.change([A])
    history.change([A])
    history.undo()
    assert history.now == () and not history.past


def test_a_mark_is_within_the_picture():
    assert mark(99, -3, "#ff0000", (10, 20))[:2] == (9, 0)
    assert mark(3.7, 2.2, "red", (10, 20)).hint.x == 3 and A.plain and not A._replace(ab=(1.0, 2.0)).plain


def test_uploads_come_in_parts_and_in_order():
    shelf = Shelf()
    path = shelf.part("u", "a b.png", 0, b"one")
    assert shelf.part("u", "a b.png", 1, b"two") == path and path.read_bytes() == b"onetwo" and path.name == "a b.png"
    with pytest.raises(ValueError, match=r"a b.png: part 1 came"):
        shelf.part("other", "a b.png", 1, b"")
    assert shelf.home in shelf.part("v", "../../etc/x.png", 0, b"").parents


def test_messages_name_what_the_user_knows():
    shelf = Shelf()
    path = shelf.part("u", "mine.png", 0, b"")
    assert shelf.own(f"{path}: not a picture") == "mine.png: not a picture"


def test_pictures_are_found_and_closed():
    shelf = Shelf()
    items = [shelf.add(Path(name), name) for name in ("a.png", "b.mp4", "c.png")]
    for item in items:
        shelf.put(item)
    assert [item.film for item in items] == [False, True, False]
    shelf.close(items[2])
    assert shelf.item is items[1] and shelf.find(items[0].number) is items[0]
    with pytest.raises(ValueError, match="closed"):
        shelf.find(items[2].number)


def test_before_anything_was_opened():
    with pytest.raises(ValueError, match="open a picture or a film first"):
        _ = Shelf().now
