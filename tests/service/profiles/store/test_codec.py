"""Profiles as bytes: decoding gives back the profile, or refuses the bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.profiles.store.codec import ProfileCodecError, decode, encode, profile_key
from tests.data.ranked_shop import ranked_contents
from tests.data.tiny_bundle import tiny_contents

RANKED = preview_bundle(ranked_contents())
KEY = profile_key("0123456789abcdef", "Zoë")


def stored(user_id: str) -> tuple[Profile, bytes]:
    """A profile of the ranked shop, and its bytes."""
    profile = BundleProfiles(RANKED).get(user_id)
    assert profile is not None
    return profile, encode(profile, KEY)


@pytest.mark.parametrize("user_id", RANKED.user_ids)
def test_a_profile_comes_back(user_id: str) -> None:
    profile, value = stored(user_id)
    back = decode(value, KEY)
    for name in ("user_h", "items", "counts", "recency", "last", "past_begun"):
        before, after = getattr(profile, name), getattr(back, name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    assert not back.fallback


def test_only_the_users_own_past_is_stored() -> None:
    profile, value = stored(RANKED.user_ids[-1])
    back = decode(value, KEY)
    first, last = profile.past_indptr[[0, -1]]
    assert first > 0
    assert back.past_indptr.tolist() == (profile.past_indptr - first).tolist()
    assert back.past_items.tolist() == profile.past_items[first:last].tolist()


def test_arrays_are_as_those_of_a_bundle() -> None:
    # Compiled loops come in one kind: read-only, aligned, of native numbers.
    for array in decode(stored(RANKED.user_ids[0])[1], KEY)[:-1]:
        assert isinstance(array, np.ndarray)
        assert (array.flags.writeable, array.flags.aligned) == (False, True)
        assert array.flags.c_contiguous


def test_a_bundle_without_a_past_has_none() -> None:
    profile = BundleProfiles(preview_bundle(tiny_contents())).get("user-4")
    assert profile is not None
    back = decode(encode(profile, KEY), KEY)
    assert back.items.tolist() == [1, 3, 5, 7, 9, 11]
    assert (len(back.past_begun), back.past_indptr.tolist(), len(back.past_items)) == (0, [0], 0)


@given(data=st.data())
def test_bytes_that_changed_are_refused(data: st.DataObject) -> None:
    value = bytearray(stored(RANKED.user_ids[0])[1])
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProfileCodecError, match=KEY):
        decode(bytes(value), KEY)


@given(st.binary(max_size=64), st.integers(0, 64))
def test_other_bytes_are_refused(garbage: bytes, kept: int) -> None:
    with pytest.raises(ProfileCodecError, match=KEY):
        decode(stored(RANKED.user_ids[0])[1][:kept] + garbage, KEY)


def test_another_users_profile_is_refused() -> None:
    _, value = stored(RANKED.user_ids[0])
    with pytest.raises(ProfileCodecError, match="another user's"):
        decode(value, profile_key("0123456789abcdef", "Zoe"))


def test_another_version_is_refused() -> None:
    _, value = stored(RANKED.user_ids[0])
    with pytest.raises(ProfileCodecError, match="expected version 1, found 513"):
        decode(value[:5] + b"\x02" + value[6:], KEY)


def test_keys_are_short_and_tell_nothing() -> None:
    key = profile_key("0123456789abcdef", "a b\n" * 100)
    assert key.startswith("0123456789abcdef:")
    assert len(key) == 49
    assert key.isprintable()
    assert " " not in key
    assert key != profile_key("fedcba9876543210", "a b\n" * 100)
