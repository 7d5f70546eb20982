"""What can be read off a run without running it again: who called whom, and who laid which word on which stack."""

from trapscope.core.lens.vectors import vector_name
from trapscope.core.reading.calls import Activation, Calls, Entry
from trapscope.core.reading.laid import Laid, Piece
from trapscope.core.reading.names import Names
from trapscope.core.reading.reading import Reading

__all__ = ["Activation", "Calls", "Entry", "Laid", "Names", "Piece", "Reading", "vector_name"]
