"""The entity graph: what is stored, shown, drawn up and asked.

What the source systems ask is in `test_questions_about_work` and `test_questions_about_words`, of the rows of
`fixed`; the plans of lists in `test_plans`, of the rows of twenty companies.
"""
