"""The seven steps of a run (CLAIM, RECOVER, PLAN, WRITE, VERIFY, PUBLISH, RECORD), in ports only."""
