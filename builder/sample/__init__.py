"""The embedded sample: a mini-web whose truth is known, and a tiny base model pretrained on other parts of it."""

SAMPLE_SEED = 7
"""The seed of the world that comes with the package; the model in `base/` was pretrained for this one."""
