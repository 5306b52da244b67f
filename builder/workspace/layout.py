"""Where the files of a stage folder lie."""

STAGE_FILE = "stage.json"
LOGS = "logs"
REQUEST, RESULT, LOG, LOCK = "logs/request.json", "logs/result.json", "logs/child.log", "logs/writer.lock"
METRICS = "logs/metrics.json"
"""The one file below `logs/` that is read once the stage is done."""
