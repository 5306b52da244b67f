"""Language models: the chat contract, what is asked, who answers, and no row lost."""
