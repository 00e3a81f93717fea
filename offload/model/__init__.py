"""The values of the protocol: frozen, pure, without a library."""
