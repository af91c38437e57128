"""Every machine of the package: complete, without dead states, and drawn as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest
from automat import TypeMachineBuilder
from automat._typed import TypeMachine

import txsyncthing
from txsyncthing.testing.machines import dot, unanswered, unreachable

ROOT = Path(txsyncthing.__file__).parent
DRAWINGS = ROOT.parent / "docs" / "machines"
DRAW = "DRAW_MACHINES"  # set it to have the drawings made anew


def find() -> dict[str, TypeMachine[object, object]]:
    """All machines, by the name of their file: ``bep-lifecycle``."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "TypeMachineBuilder" in path.read_text() and "testing" not in path.parts:
            name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
            for value in vars(import_module(name)).values():
                if isinstance(value, TypeMachine):
                    found["-".join(name.split(".")[1:])] = value
    return found


def inputs(name: str, machine: TypeMachine[object, object]) -> type:
    """The Protocol which a machine answers to: beside it, and named in the machine's own type."""
    module = import_module("txsyncthing." + name.replace("-", "."))
    protocol: type = getattr(module, machine.__automat_type__.__name__[len("Typed<") : -1])
    return protocol


MACHINES = find()


@pytest.mark.parametrize("name", MACHINES)
def test_each_public_input_is_answered_in_each_state(name: str) -> None:
    machine = MACHINES[name]
    assert unanswered(machine, inputs(name, machine)) == []


@pytest.mark.parametrize("name", MACHINES)
def test_each_state_can_be_reached(name: str) -> None:
    assert unreachable(MACHINES[name]) == []


@pytest.mark.parametrize("name", MACHINES)
def test_the_drawing_is_true(name: str) -> None:
    drawing = DRAWINGS / f"{name}.dot"
    if os.environ.get(DRAW):
        DRAWINGS.mkdir(exist_ok=True)
        drawing.write_text(dot(name, MACHINES[name]))
    drawn = drawing.read_text() if drawing.exists() else "no drawing"
    assert drawn == dot(name, MACHINES[name]), f"stale: run {DRAW}=1 pytest {Path(__file__).name}"


def test_every_drawing_shows_a_machine() -> None:
    assert {path.stem for path in DRAWINGS.glob("*.dot")} <= MACHINES.keys()


class Lamp(Protocol):
    """A machine with faults, to see that they are found."""

    def on(self) -> None: ...
    def off(self) -> None: ...
    def _burn(self) -> None: ...


def faulty() -> Callable[[object], Lamp]:
    builder = TypeMachineBuilder(Lamp, object)
    dark = builder.state("dark")
    bright = builder.state("bright")
    broken = builder.state("broken")
    dark.upon(Lamp.on).to(bright).returns(None)
    dark.upon(Lamp.off).loop().returns(None)
    bright.upon(Lamp.off).to(dark).returns(None)
    broken.upon(Lamp._burn).loop().returns(None)
    return builder.build()


def test_a_gap_is_found() -> None:
    machine = faulty()
    assert isinstance(machine, TypeMachine)
    assert unanswered(machine, Lamp) == [("bright", "on"), ("broken", "off"), ("broken", "on")]


def test_a_dead_state_is_found() -> None:
    machine = faulty()
    assert isinstance(machine, TypeMachine)
    assert unreachable(machine) == ["broken"]


def test_a_drawing_has_the_moves_and_no_more() -> None:
    machine = faulty()
    assert isinstance(machine, TypeMachine)
    assert dot("lamp", machine).splitlines() == [
        'digraph "lamp" {',
        "  rankdir=LR;",
        '  "dark" [style=bold];',
        '  "bright" -> "dark" [label="off"];',
        '  "dark" -> "bright" [label="on"];',
        "}",
    ]
