"""Processes of a stage on machines that it shares with others: the tasks of Ray and of Slurm."""
