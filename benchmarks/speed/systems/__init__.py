"""What is measured: one file a toolkit, each run as a process of its own."""
