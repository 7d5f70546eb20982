"""What keeps engine processes, and a session's machine alive through their deaths. No rooms and no people."""
