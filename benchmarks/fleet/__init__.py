"""The cost of listing and watching a thousand machines from one process.

``python -m benchmarks.fleet`` measures only this. ``python -m benchmarks`` includes it.
"""
