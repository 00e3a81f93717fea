"""What one test owns: a hot table, a cold table, a watermark store."""
