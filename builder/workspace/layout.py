"""Where the files of a stage folder lie."""

REQUEST, RESULT, LOG, LOCK = "logs/request.json", "logs/result.json", "logs/child.log", "logs/writer.lock"
