"""The divider and its traits, as the page sees them."""

import re

import pytest
import traitlets

from colorify.widgets.compare import Compare


def test_the_divider_stays_within_the_picture():
    widget = Compare(before=b"1", after=b"2")
    assert widget.split == 0 and (widget.hints, widget.pointed) == ([], {})
    with pytest.raises(traitlets.TraitError):
        widget.split = 1.5
    widget.split = 1.0


def test_the_page_knows_every_trait_and_no_other():
    script = str(Compare(before=b"", after=b"")._esm)
    asked = set(re.findall(r'(?:model\.[gs]et\("|"change:)(\w+)', script))
    assert asked == {name for name in Compare.class_own_traits() if not name.startswith("_")}
