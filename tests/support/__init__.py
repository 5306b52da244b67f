"""What tests are made of: pages, small builds, stand-ins for servers."""
