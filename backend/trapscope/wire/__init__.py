"""The shape of what crosses the network: pydantic models, tagged unions, the binary batch. No I/O."""
