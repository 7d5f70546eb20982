"""What runs in an engine process: `python -m trapscope.server.worker`. Nothing of the server but the pipe."""
