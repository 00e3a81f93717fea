"""What is asked of the server beside the rows of a table: replicas, deletions, partitions, the view, probes."""
