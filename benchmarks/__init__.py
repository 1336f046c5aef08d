"""The cost of listing threads, with this client and without it, from the same pages and server in one run."""
