"""Counting put into a template: steps of loops, calls of macros, values that are built, cut or compared as a whole."""

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer


def _by_filter(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _work_of(body: Iterable[nodes.Node]) -> int:
    """What a body may do once: the parts that it has, and the letters that stand in it."""
    found = 0
    for part in body:
        found += 1 + (len(part.data) if isinstance(part, nodes.TemplateData) else _work_of(part.iter_child_nodes()))
    return found


class Counting(NodeTransformer):
    """Puts the counting into a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """A step counts, even where the test leaves the item out."""
        self._count(node)
        if node.test is not None:
            # A step even where the test leaves the item out.
            node.test = _by_filter("_step_of_test", node.test)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        """A call counts."""
        self._count(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        """A call counts."""
        self._count(node)
        return node

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        """Its body counts."""
        self._count(node)
        return node

    def _count(self, node: Any) -> None:
        work = 1 + _work_of(node.body)
        self.generic_visit(node)
        step = _by_filter("_step", nodes.Const(work, lineno=node.lineno))
        node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        """Its items count."""
        self.generic_visit(node)
        return _by_filter("_weighed", node) if node.items else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        """Its items count."""
        self.generic_visit(node)
        return _by_filter("_weighed", node) if node.items else node

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        """Its items count."""
        self.generic_visit(node)
        return node if node.ctx != "load" or not node.items else _by_filter("_weighed", node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        """What is cut counts as a whole."""
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _by_filter("_weighed", node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Each part counts."""
        self.generic_visit(node)
        node.nodes = [part if isinstance(part, nodes.Const) else _by_filter("_weighed", part) for part in node.nodes]
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """What is compared or looked through counts as a whole."""
        self.generic_visit(node)
        plain = isinstance(node.expr, nodes.Const) or all(isinstance(part.expr, nodes.Const) for part in node.ops)
        for part in node.ops:
            if part.op in ("in", "notin") or not plain:
                part.expr = part.expr if isinstance(part.expr, nodes.Const) else _by_filter("_weighed", part.expr)
        return node
