"""What the environment of every process of a build holds."""

OWN = {
    "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "LOGURU_DIAGNOSE": "NO",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "USE_HUB_KERNELS": "NO",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "3", "ARROW_DEFAULT_MEMORY_POOL": "system",
}  # fmt: skip
"""The whole list, with three threads; processes here, and tasks of Ray and of Slurm, are held to the same one."""
