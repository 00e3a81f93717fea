"""The four servers, one file each: where each answers."""
