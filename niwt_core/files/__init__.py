"""Files: what comes from outside is read within limits, what is written is whole or not there."""
