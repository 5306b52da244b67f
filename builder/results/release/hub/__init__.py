"""From a folder to the Hub: one commit, one tag, looked at again afterwards."""
