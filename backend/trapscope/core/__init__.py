"""The pure engine: commands in, facts out. No files, clocks, threads, logging or randomness in here."""
