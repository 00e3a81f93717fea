"""A chaos harness: it breaks an offload job and its servers, and proves that no row is lost or repeated."""
