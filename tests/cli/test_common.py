"""What the commands share."""

import pytest
import typer

from colorify.cli.common import plainly, progress


def test_errors_of_the_user_are_one_line_and_status_1(capsys):
    with pytest.raises(typer.Exit) as ended, plainly():
        raise ValueError("no such thing")
    assert ended.value.exit_code == 1 and capsys.readouterr().err == "colorify: no such thing\n"


def test_faults_of_the_program_are_not_hidden():
    with pytest.raises(KeyError), plainly():
        raise KeyError("ours")


def test_the_bar_gives_every_item_once():
    assert [list(progress(list(range(count)))) for count in (0, 1, 5)] == [[], [0], [0, 1, 2, 3, 4]]
