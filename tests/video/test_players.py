"""Films beside each other in a notebook are within it, whatever they are called."""

from base64 import b64encode

from colorify.video.players import players


def test_films_are_kept_within_the_notebook(tmp_path):
    contents = {"steady": b"\0\1\2film", '<b>"each"</b>': b"other"}
    films = {}
    for number, (name, content) in enumerate(contents.items()):
        films[name] = tmp_path / f"{number}.mp4"
        films[name].write_bytes(content)
    shown = players(films, width=200).data
    assert all(f"base64,{b64encode(content).decode()}" in shown for content in contents.values())
    assert shown.count("<video") == 2 == shown.count('width="200"') and str(tmp_path) not in shown
    assert "<b>" not in shown and "&lt;b&gt;&quot;each&quot;" in shown
