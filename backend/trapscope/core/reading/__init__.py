"""What can be read off a run without running it again: who called whom, and who laid which word on which stack."""

from trapscope.core.reading.calls import Activation, Calls, Entry
from trapscope.core.reading.laid import Laid, Piece
from trapscope.core.reading.names import Names
from trapscope.core.reading.reading import Reading
from trapscope.core.reading.vectors import vector_name

__all__ = ["Activation", "Calls", "Entry", "Laid", "Names", "Piece", "Reading", "vector_name"]
