"""What the network sees: the application, its routes and the socket, the gate around them, problem documents."""
