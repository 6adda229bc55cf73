"""What a student receives, to copy and fill in. It is data: nothing here imports it."""
