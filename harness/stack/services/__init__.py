"""The servers, one file each: the address, and a query that proves that the server answers."""
