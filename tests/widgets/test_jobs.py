"""What takes longer than a click."""

from threading import Event

from colorify.widgets.reel import StoppedError


def test_one_thing_at_a_time_with_its_share(studio):
    studio.wait()
    go, begun = Event(), Event()

    def work(progress):
        progress(0.5)
        begun.set()
        go.wait()

    studio.jobs.start("Work", work)
    begun.wait()
    assert studio.progress == {"text": "Work", "share": 0.5}
    studio.act({"do": "export"})
    assert "one thing at a time" in studio.notice["text"]
    go.set()
    studio.wait()
    assert studio.progress == {}


def test_a_stop_is_heard_and_errors_are_said(studio):
    def broken(progress):
        raise OSError("disk full")

    studio.jobs.start("Work", broken)
    studio.wait()
    assert studio.notice == {"text": "disk full", "kind": "error"}

    def stopped(progress):
        studio.jobs.stop()
        progress(0.1)
        raise AssertionError("it went on")

    studio.jobs.start("Work", stopped)
    studio.wait()
    assert studio.notice["text"] == "Stopped." and issubclass(StoppedError, Exception)
