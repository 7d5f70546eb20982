"""The web application: thin. Sockets and HTTP here, engines in worker processes."""
