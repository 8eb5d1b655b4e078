"""How far distributions over the next token are apart."""
from dataclasses import dataclass, field

import numpy as np

from .recording import FLOOR

RESAMPLES = 1000


def log_softmax(logits):
    """f64, of logits or of log probabilities that are not normalised, [positions, vocabulary]. All get the floor that
    llama.cpp's recordings have, so that none is better for saying more."""
    x = logits.astype(np.float64)
    x = np.maximum(x, x.max(axis=1, keepdims=True) - FLOOR)
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


@dataclass
class Distance:
    """From f32, over all positions added so far."""
    kl: list = field(default_factory=list)
    same: list = field(default_factory=list)
    surprise: list = field(default_factory=list)  # -log p of the token that follows

    def add(self, exact, other, following):
        """exact, other: log probabilities [positions, vocabulary]; following: ids [positions]."""
        self.kl += np.maximum((np.exp(exact) * (exact - other)).sum(axis=1), 0).tolist()
        self.same += (exact.argmax(axis=1) == other.argmax(axis=1)).tolist()
        self.surprise += (-other[np.arange(len(following)), following]).tolist()

    def ratio(self, other):
        """Of the mean divergences, with the ends of its 95 % interval: a bootstrap over positions (Efron & Tibshirani
        1993), which both have in common."""
        own, others = np.array(self.kl), np.array(other.kl)
        draws = np.random.default_rng(1).integers(0, len(own), (RESAMPLES, len(own)))
        low, high = np.quantile(own[draws].mean(axis=1) / others[draws].mean(axis=1), (0.025, 0.975))
        return float(own.mean() / others.mean()), float(low), float(high)

    def figures(self):
        return {"mean_kl": float(np.mean(self.kl)), "kl_99": float(np.quantile(self.kl, 0.99)),
                "max_kl": float(np.max(self.kl)), "same_top": float(np.mean(self.same)),
                "perplexity": float(np.exp(np.mean(self.surprise)))}
