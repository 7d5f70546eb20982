"""The web application: http ► rooms ► engines ► pipe ◄ worker, which is the engines' processes.

`run` starts it; `refusal`, `metrics` and `bucket` are what every room of it needs.
"""
