"""Paper among the photos that are learnt from."""

import torch

from colorify.color import rgb_to_lab
from colorify.data import paper


def photos(count: int) -> torch.Tensor:
    """Red, everywhere."""
    return torch.tensor([0.8, 0.2, 0.1])[:, None, None].expand(count, 3, 40, 60).contiguous()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_no_paper_changes_nothing_and_draws_nothing():
    rgb, drawn = photos(8), generator()
    assert paper.lay(rgb, 0.0, drawn) is rgb
    assert torch.equal(drawn.get_state(), generator().get_state())


def test_paper_is_gray_and_photos_stay_what_they_are():
    rgb = photos(200)
    laid = paper.lay(rgb, 1.0, generator())
    red = (laid == rgb).all(1)
    ab = rgb_to_lab(laid)[:, 1:]
    assert ab.abs().amax(1)[~red].max() < 0.01
    shares = red.float().mean((1, 2))
    whole, with_margin = (shares == 0).float().mean(), ((shares > 0.2) & (shares < 1)).float().mean()
    assert 0.4 < whole < 0.7 and 0.3 < with_margin < 0.55
    assert torch.equal(laid, paper.lay(rgb, 1.0, generator()))


def test_blank_pages_and_print():
    laid = paper.lay(photos(300), 1.0, generator())
    pages = laid[(laid[:, 0] == laid[:, 2]).all(2).all(1)]
    contrast = pages.amax((1, 2, 3)) - pages.amin((1, 2, 3))
    assert (contrast < 0.25).any() and (contrast > 0.5).any()


def test_the_share():
    rgb = photos(2000)
    changed = (paper.lay(rgb, 0.1, generator()) != rgb).flatten(1).any(1).float().mean()
    assert 0.07 < changed < 0.13
