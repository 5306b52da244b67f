"""Files behind any URL that fsspec knows, such as s3://, hf://, https:// and memory://."""
