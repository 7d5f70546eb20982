"""How fast Trapscope is, next to what people use today: every figure and its peer in one run, as a ratio."""
