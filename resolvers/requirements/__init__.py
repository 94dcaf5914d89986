"""Requirements of components: proposals, their review, and exports."""
