"""What a pipeline is: one validated definition, and the file in which people write many."""
