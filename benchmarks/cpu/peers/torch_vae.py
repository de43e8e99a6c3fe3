# SPDX-License-Identifier: MIT
"""The VAE as a PyTorch user writes it."""
import torch
from torch import nn
from torch.nn import functional as F


class Vae(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        encoder, decoder = [inputs, *hidden], [latent, *reversed(hidden), inputs]
        self.encoder = nn.Sequential(*self.layers(encoder))
        self.mu, self.logvar = nn.Linear(encoder[-1], latent), nn.Linear(encoder[-1], latent)
        self.decoder = nn.Sequential(*self.layers(decoder)[:-1])

    @staticmethod
    def layers(widths):
        return [layer for n, m in zip(widths, widths[1:]) for layer in (nn.Linear(n, m), nn.ReLU())]

    def loss(self, x, noise=True):
        """Negative lower bound in nats, summed over the rows."""
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if noise else mu
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return nll + kl

    def reconstruct(self, x):
        return torch.sigmoid(self.decoder(self.mu(self.encoder(x))))


def load(setup):
    """The net of a setup request, with its weights."""
    from safetensors.torch import load_file
    net = setup["net"]
    model = Vae(net["input"], net["hidden"], net["latent"])
    model.load_state_dict(load_file(setup["weights"]))
    return model
