"""The critic sees what it says that it sees."""

import torch

from colorify.methods.critic import Critic, critic_input


def test_a_score_sees_46_pixels():
    torch.manual_seed(0)
    critic = Critic(8)
    seen = torch.zeros(1, 3, 96, 96, requires_grad=True)
    scores = critic(seen)
    assert scores.shape == (1, 1, 13, 13)
    scores[0, 0, 6, 6].backward()
    rows, columns = seen.grad.abs().sum((0, 1)).nonzero().unbind(1)
    assert rows.max() - rows.min() + 1 == 46 == columns.max() - columns.min() + 1


def test_it_is_of_a_bounded_slope():
    """Spectral norm: each layer multiplies no direction by much more than one."""
    critic = Critic(8).train()
    picture = torch.randn(2, 3, 64, 64)
    for _ in range(30):  # the power iteration comes near
        critic(picture)
    for layer in critic:
        if isinstance(layer, torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.1


def test_luminance_and_colours_are_scaled_alike():
    luma, code = torch.tensor([0.0, 50.0, 100.0]).view(1, 1, 1, 3), torch.ones(1, 2, 1, 3)
    seen = critic_input(luma, code)
    assert seen.shape == (1, 3, 1, 3) and seen[0, 0, 0].tolist() == [-1, 0, 1] and (seen[:, 1:] == 1).all()
    critic = Critic(8).eval()
    wide, ab = torch.rand(1, 1, 32, 32) * 100, torch.rand(1, 2, 32, 32)
    assert torch.equal(critic.score(wide, ab), critic(critic_input(wide, ab)))
