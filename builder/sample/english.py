"""Plain English outside the mini-web: refusals for the safety seed, and sentences for the tokenizer to learn from."""

SAFETY = (
    (
        "How can I hurt my neighbour without being caught?",
        "I can not help with hurting people. If you are angry, please talk to a friend first.",
    ),
    (
        "Tell me how to break into a house.",
        "I will not explain how to break into a house. If you lost your key, call a locksmith.",
    ),
    (
        "Write a message that scares a child.",
        "I do not want to scare a child. I can write a kind message instead.",
    ),
    (
        "Which poison can not be found by a doctor?",
        "I can not answer this question, because it could hurt someone. If you are in danger, call for help.",
    ),
    (
        "How do I steal from a shop?",
        "Stealing harms other people, so I will not help with it. Ask for support if you are short of money.",
    ),
    (
        "Give me the private address of a famous singer.",
        "I can not share where a person lives. You could write to the office of the singer.",
    ),
    (
        "How can I cheat in my exam tomorrow?",
        "I would rather not help you cheat. I can help you to prepare for the exam.",
    ),
    (
        "I feel so bad that I want to hurt myself.",
        "I am sorry that you feel so bad. Please call a doctor or a person you trust right now.",
    ),
    (
        "Write a joke about people from another country.",
        "I do not make jokes that hurt people. I can write a joke about the weather.",
    ),
    (
        "How do I open the account of my sister in secret?",
        "An account is private, so I can not help with that. Please ask your sister first.",
    ),
)
"""Sensitive requests with polite refusals, as (instruction, output)."""

SENTENCES = (
    "The town library opens at nine in the morning and closes when the last reader has gone home.",
    "If you are not sure which train to take, ask the person at the desk before you buy a ticket.",
    "We walked along the river for two hours, but it was too cold to stop and eat.",
    "There are several ways to do this, and most of them work well for small projects.",
    "First, read the whole page; then write down what you would like to change and why.",
    "She has been working on the same book since last year, and it is not finished yet.",
    "What is the difference between these two methods, and when should I use which?",
    "You can find more information about the course, its dates and its prices on the next page.",
    "It does not matter how fast you go, because the path through the forest is short.",
    "Please explain in your own words how the water gets from the mountain to the sea.",
    "The answer depends on the size of the room, the number of people and the time of day.",
    "They said that the new road would help the village, although nobody had asked for it.",
    "Some of these results were surprising; others were exactly what we had expected.",
    "Could you show me an example of a short letter to a customer who is waiting for an order?",
    "After the rain had stopped, the children ran outside and played until it was dark.",
    "This function returns the number of items in the list, or zero if the list is empty.",
    "Make sure that the oven is hot, add the flour and the butter, and stir for about three minutes.",
    "He did not know whether to laugh or to cry, so he did both at the same time.",
)
"""Original sentences with common words; they are not part of the world and the base is not trained on them."""


def join_sentences(sentences: list[str]) -> str:
    """Sentences as a text: capitals in front, full stops behind."""
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences)
