"""The sections of build.yaml as strict models, one file a stage."""
