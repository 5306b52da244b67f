"""The paper's method, a room a section; `builder.build` goes through it from top to bottom."""
