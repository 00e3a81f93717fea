"""What the protocol needs from the outside: Protocols, with the values that they exchange."""
