"""The command line, one file a verb: parse, open the project, call, print."""
