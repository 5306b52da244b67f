"""The sample's base as a judge."""

import pytest

from builder.llm.contract import make_contract
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat, Engine
from builder.sample.generate import BASE


@pytest.fixture(scope="session")
def engine():
    """The model, in this process."""
    return TransformersEngine(BASE, Engine(kind="transformers", dtype="float32"))


@pytest.fixture(scope="session")
def renderer():
    """What it is asked, in its tokens."""
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)
