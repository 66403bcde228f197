"""The command that serves: this machine alone, or a token."""

import pytest
import uvicorn

from colorify.cli import serve


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [([], False), (["--host", "localhost"], False), (["--host", "::1"], False), (["--host", "0.0.0.0"], True)],
)
def test_others_than_this_machine_need_a_token(colorify, model, monkeypatch, arguments, asked):
    served = {}
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.update(options, app=app))
    result = colorify("serve", "--model", model, "--port", 8123, *arguments)
    assert result.exit_code == 0 and ("Bearer" in result.stdout) == asked
    assert served["port"] == 8123 and served["app"].title == "colorify"


def test_a_token_may_be_given_by_the_environment(colorify, model, monkeypatch):
    monkeypatch.setenv("COLORIFY_TOKEN", "secret")
    given = []
    monkeypatch.setattr("colorify.server.application", lambda models, token, *_: given.append(token))
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: None)
    assert colorify("serve", "--model", model, "--host", "0.0.0.0").stdout == "" and given == ["secret"]


def test_a_model_that_is_none(colorify):
    assert "unknown model" in colorify("serve", "--model", "middleres").stderr


def test_addresses_of_this_machine():
    assert [serve._is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert not any(serve._is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"))
