"""Chat answers: retrieval, generation, councils, citations, grounding and confidence."""
