"""What is under test, run as a child process; nothing else in the harness may import it."""
