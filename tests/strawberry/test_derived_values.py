"""Values of derived input types, which extensions of a field are given: dataclasses, as those that Strawberry makes."""

import dataclasses

import pytest
from strawberry.types.unset import UNSET

from gql.derive import filter_type, order_type


def test_what_is_left_out_is_unset() -> None:
    made = filter_type("Trip")(title="a")
    assert (made.title, made.status, made.and_) == ("a", UNSET, UNSET)


def test_fields_are_given_by_name_and_others_are_refused() -> None:
    with pytest.raises(TypeError, match="TripFilter has no field 'colour'"):
        filter_type("Trip")(colour="red")
    with pytest.raises(TypeError):
        filter_type("Trip")("a")


def test_values_are_equal_when_all_their_fields_and_their_types_are() -> None:
    by_title = filter_type("Trip")(title="a")
    assert by_title == filter_type("Trip")(title="a")
    assert by_title != filter_type("Trip")(title="b")
    assert order_type("Trip")(title="a") != by_title


def test_values_can_change_and_so_are_no_keys() -> None:
    made = filter_type("Trip")(title="a")
    made.title = "b"
    assert made.title == "b"
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)


def test_the_functions_for_dataclasses_take_them() -> None:
    made = order_type("Tag")(name="ASC")
    assert [field.name for field in dataclasses.fields(made)][:3] == ["id", "ownerId", "name"]
    assert dataclasses.replace(made, name="DESC") == order_type("Tag")(name="DESC")
    assert dataclasses.asdict(made)["name"] == "ASC"
    assert repr(made).startswith("TagOrder(id=UNSET, ownerId=UNSET, name='ASC', ")
