"""Text checks: verdicts on sentences, and the jobs that find them."""
