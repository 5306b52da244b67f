"""Where the files of a stage folder lie."""

REQUEST, RESULT, LOG = "logs/request.json", "logs/result.json", "logs/child.log"
