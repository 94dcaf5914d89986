"""Reports of a drawing session as files: PDF, tables and BCF."""
