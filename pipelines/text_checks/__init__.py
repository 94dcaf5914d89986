"""Text checks: verdicts on the sentences of a text, from passages of documents."""
