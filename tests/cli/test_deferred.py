"""Deferred modules are loaded by their first use, and are then what they are otherwise."""

import subprocess
import sys

import pytest

USES = {
    "jax": ("jax", "jax._src.nn.functions", "float(jax.nn.relu(-1.0)) == 0.0"),
    "jax.random": ("jax", "jax._src.image.scale", "jax.random.key(1).shape == ()"),
    "PIL.ExifTags": ("PIL.Image", "", "sys.modules['PIL.ExifTags'].TAGS[0x010F] == 'Make'"),
    "fontTools.agl": ("fontTools.agl", "", "sys.modules['fontTools.agl'].toUnicode('Aacute') == chr(193)"),
}
"""What is loaded, what is not loaded with it, and an expression that uses a deferred module, by names of the cases."""


@pytest.mark.parametrize("case", USES)
def test_a_deferred_module_is_loaded_by_its_first_use(case: str) -> None:
    """It is there as all others are, and what it would load is not, until something in it is used."""
    whole, inner, use = USES[case]
    code = f"""
import sys
from cli.deferred import defer
defer()
import {whole}
assert {inner!r} not in sys.modules
assert {use}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
