"""The clusters that tests of this folder run on."""

from support.played_clusters import bare, ray_here, slurm_here

__all__ = ["bare", "ray_here", "slurm_here"]
