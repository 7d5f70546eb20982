"""Sessions that people look at: who may have one, what is in it, who is there. No HTTP and no socket."""
