"""Questions about rows: past consumption, reports, jobs, evaluation runs, documents and images."""
