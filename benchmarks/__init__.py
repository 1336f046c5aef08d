"""What it costs to list threads, with this client and without it, on the same pages from the same server in one run."""
