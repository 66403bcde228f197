"""What the commands share."""

import pytest
import typer

from colorify.cli.common import modes, plainly, progress
from colorify.version import __version__


def test_errors_of_the_user_are_one_line_and_status_1(capsys):
    with pytest.raises(typer.Exit) as ended, plainly():
        raise ValueError("no such thing")
    assert ended.value.exit_code == 1 and capsys.readouterr().err == "colorify: no such thing\n"


def test_faults_of_the_program_are_not_hidden():
    with pytest.raises(KeyError), plainly():
        raise KeyError("ours")


def test_the_bar_gives_every_item_once():
    assert [list(progress(list(range(count)))) for count in (0, 1, 5)] == [[], [0], [0, 1, 2, 3, 4]]


def test_the_version(colorify):
    assert colorify("--version").stdout == f"colorify {__version__}\n"


def test_quiet_draws_no_bars_and_verbose_says_where(colorify, capsys):
    colorify("-v", "models")
    assert (modes.quiet, modes.verbose) == (False, True)
    with pytest.raises(typer.Exit), plainly():
        raise ValueError("no such thing")
    assert "Traceback" in capsys.readouterr().err
    colorify("-q", "models")
    assert (modes.quiet, modes.verbose) == (True, False)
    assert list(progress([1, 2, 3])) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    colorify("models")
    list(progress([1, 2, 3]))
    assert "coloring" in capsys.readouterr().err
