"""What bounds a build from outside: how long it may run."""
