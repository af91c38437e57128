"""
What can be said of every Automat machine: is each input answered in each state, and what does it look like?
"""

from __future__ import annotations

from typing import Any

from automat._typed import TypeMachine


def unanswered(machine: TypeMachine[Any, Any], inputs: type) -> list[tuple[str, str]]:
    """
    The gaps of a machine.

    :param inputs: the Protocol with the machine's inputs; those which begin with ``_`` are private: only
        the machine itself sends them, and an undeclared one is a bug that must raise.
    :returns: (state, public input) where the input would raise NoTransition.
    """
    automaton = machine.__automat_automaton__
    answered = {(state, name) for state, name, _to, _outputs in automaton.allTransitions()}
    public = [name for name in vars(inputs) if not name.startswith("_")]
    return sorted(
        (state.name, name)
        for state in automaton.states()
        for name in public
        if (state, name) not in answered
    )


def unreachable(machine: TypeMachine[Any, Any]) -> list[str]:
    """The states to which no input leads."""
    automaton = machine.__automat_automaton__
    reached = {automaton.initialState}
    moves = [(state, to) for state, _name, to, _outputs in automaton.allTransitions()]
    while more := {to for state, to in moves if state in reached} - reached:
        reached |= more
    return sorted(state.name for state in automaton.states() if state not in reached)


def dot(name: str, machine: TypeMachine[Any, Any]) -> str:
    """
    The drawing of a machine for Graphviz, the same at each call.

    Inputs which stay in their state are left out; inputs between the same states share an arrow.
    """
    automaton = machine.__automat_automaton__
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, input, to, _outputs in automaton.allTransitions():
        if state is not to:
            arrows.setdefault((state.name, to.name), []).append(input)
    lines = [
        f'  "{state}" -> "{to}" [label="{_label(inputs)}"];'
        for (state, to), inputs in sorted(arrows.items())
    ]
    begin = f'  "{automaton.initialState.name}" [style=bold];'
    return "\n".join([f'digraph "{name}" {{', "  rankdir=LR;", begin, *lines, "}", ""])


def _label(inputs: list[str]) -> str:
    return "\\n".join(sorted(inputs))
