"""Language models: the chat contract, prompts, engines and judges."""
