"""A recorded run for gdb: the server's side of GDB's remote serial protocol, forwards and backwards."""
