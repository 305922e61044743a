"""What came of a rehearsal, as a page to keep and as JSON: what ran when, what it waited for, what is where now."""
