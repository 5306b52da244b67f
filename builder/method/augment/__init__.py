"""Self-augmentation (paper 2.2): M_yx writes the instruction of every segment."""
