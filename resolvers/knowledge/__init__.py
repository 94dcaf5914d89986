"""What people do with documents, and with the models that embed them."""
