"""Profiles as bytes: decoding gives back the profile, or refuses the bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.profiles.store.codec import ProfileCodec, ProfileCodecError
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from tests.data.forged_profiles import HEAD, SNAPPY, forged, signed, taken_apart
from tests.data.ranked_shop import N_ITEMS, ranked_contents
from tests.data.tiny_bundle import tiny_contents

RANKED, TINY = preview_bundle(ranked_contents()), preview_bundle(tiny_contents())
CODEC = ProfileCodec(RANKED)
KEY = CODEC.key("Zoë")
RECOMMENDER = Recommender(RANKED)
HUGE = 2**32 - 1


def stored(user_id: str) -> tuple[Profile, bytes]:
    """A profile of the ranked shop, and its bytes."""
    profile = BundleProfiles(RANKED).get(user_id)
    assert profile is not None
    return profile, CODEC.encode(profile, KEY)


OWN, VALUE = stored(RANKED.user_ids[-1])
SIZES = HEAD.unpack(VALUE[: HEAD.size])[2:]
D, PURCHASES, BASKETS, LINES = range(4)


@pytest.mark.parametrize("user_id", RANKED.user_ids)
def test_a_profile_comes_back(user_id: str) -> None:
    profile, value = stored(user_id)
    back = CODEC.decode(value, KEY)
    for name in ("user_h", "items", "counts", "recency", "last", "past_begun"):
        before, after = getattr(profile, name), getattr(back, name)
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    assert not back.fallback


def test_only_the_users_own_past_is_stored() -> None:
    back = CODEC.decode(VALUE, KEY)
    first, last = OWN.past_indptr[[0, -1]]
    assert first > 0
    assert back.past_indptr.tolist() == (OWN.past_indptr - first).tolist()
    assert back.past_items.tolist() == OWN.past_items[first:last].tolist()


def test_arrays_are_as_those_of_a_bundle() -> None:
    # Compiled loops come in one kind: read-only, aligned, of native numbers.
    for array in CODEC.decode(VALUE, KEY)[:-1]:
        assert isinstance(array, np.ndarray)
        assert (array.flags.writeable, array.flags.aligned) == (False, True)
        assert array.flags.c_contiguous


def test_a_bundle_without_a_past_has_none() -> None:
    codec = ProfileCodec(TINY)
    profile = BundleProfiles(TINY).get("user-4")
    assert profile is not None
    back = codec.decode(codec.encode(profile, KEY), KEY)
    assert back.items.tolist() == [1, 3, 5, 7, 9, 11]
    assert (len(back.past_begun), back.past_indptr.tolist(), len(back.past_items)) == (0, [0], 0)


@given(data=st.data())
def test_bytes_that_changed_are_refused(data: st.DataObject) -> None:
    value = bytearray(VALUE)
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProfileCodecError):
        CODEC.decode(bytes(value), KEY)


@given(st.binary(max_size=64), st.integers(0, 64))
def test_other_bytes_are_refused(garbage: bytes, kept: int) -> None:
    with pytest.raises(ProfileCodecError):
        CODEC.decode(VALUE[:kept] + garbage, KEY)


def test_another_users_profile_is_refused() -> None:
    with pytest.raises(ProfileCodecError, match="another user's"):
        CODEC.decode(VALUE, CODEC.key("Zoe"))


def test_a_profile_is_refused_from_one_who_does_not_know_the_bundle() -> None:
    with pytest.raises(ProfileCodecError, match="checksum"):
        CODEC.decode(forged(*taken_apart(VALUE), KEY, TINY.manifest), KEY)


def test_another_version_is_refused() -> None:
    with pytest.raises(ProfileCodecError, match="expected version 2, found 514"):
        CODEC.decode(VALUE[:5] + b"\x02" + VALUE[6:], KEY)


def test_keys_are_short_and_tell_nothing() -> None:
    key = CODEC.key("a b\n" * 100)
    assert key.startswith(f"{RANKED.bundle_id}:")
    assert len(key) == 49
    assert key.isprintable()
    assert " " not in key
    assert key[16:] != ProfileCodec(TINY).key("a b\n" * 100)[16:]


def an_array(name: str, place: int, value: float) -> Profile:
    """The profile with one other number in an array."""
    array = getattr(OWN, name).copy()
    array[place] = value
    return OWN._replace(**{name: array})


OWN_LINES = OWN._replace(past_indptr=OWN.past_indptr - OWN.past_indptr[0])


@pytest.mark.parametrize(
    ("profile", "found"),
    [
        (an_array("items", -1, 1_000_000), "history_item.npy: .* 0 to 47"),
        (an_array("items", -1, N_ITEMS), "history_item.npy: .* 0 to 47"),
        (an_array("items", 0, -1), "history_item.npy: .* 0 to 47"),
        (an_array("items", 0, OWN.items[1]), "history_item.npy: .* ascending"),
        (an_array("counts", 0, 0), "history_count.npy"),
        (an_array("recency", 0, 1.5), "history_recency.npy"),
        (an_array("recency", 0, np.nan), "history_recency.npy: .* finite"),
        (an_array("last", 0, 2**62), "history_last.npy"),
        (an_array("user_h", 0, np.nan), "user_h.npy: .* finite"),
        (an_array("user_h", 0, np.inf), "user_h.npy: .* finite"),
        (an_array("user_h", 0, 3e38), "user_h.npy: .* 1000000"),
        (an_array("past_begun", 0, OWN.past_begun[-1] + 1), "past_begun.npy: .* ascending"),
        (an_array("past_items", -1, N_ITEMS), "past_item.npy"),
        (an_array("past_items", -1, -1), "past_item.npy"),
        (OWN._replace(user_h=OWN.user_h[1:]), "user_h.npy: .* shape"),
        (OWN._replace(user_h=np.tile(OWN.user_h, 2)), "user_h.npy: .* shape"),
    ],
)
def test_arrays_that_lead_astray_are_refused(profile: Profile, found: str) -> None:
    with pytest.raises(ProfileCodecError, match=found):
        CODEC.decode(CODEC.encode(profile, KEY), KEY)


@pytest.mark.parametrize("offsets", [[1], [-1], [2**63 - 1, -2], [2**62, 0]])
def test_offsets_that_lead_astray_are_refused(offsets: list[int]) -> None:
    head, plain = taken_apart(VALUE)
    at = 8 * (SIZES[PURCHASES] + SIZES[BASKETS])
    wrong = np.array(offsets, np.int64).tobytes()
    plain = plain[:at] + wrong + plain[at + len(wrong) :]
    with pytest.raises(ProfileCodecError, match=r"past_item_indptr.*expected offsets"):
        CODEC.decode(forged(head, plain, KEY, RANKED.manifest), KEY)


def test_a_profile_without_purchases_or_without_baskets_is_refused() -> None:
    wide, narrow = np.zeros(1, np.int64).tobytes(), bytes(4 * SIZES[D])
    head = HEAD.pack(b"RTTP", 2, SIZES[D], 0, 0, 0)
    with pytest.raises(ProfileCodecError, match="0 purchases in 0 baskets"):
        CODEC.decode(forged(head, wide + narrow, KEY, RANKED.manifest), KEY)
    bare = OWN._replace(past_begun=OWN.past_begun[:0], past_indptr=OWN.past_indptr[:1])
    with pytest.raises(ProfileCodecError, match="purchases in 0 baskets"):
        CODEC.decode(CODEC.encode(bare, KEY), KEY)


@pytest.mark.parametrize("sizes", [(0, 0, 0, HUGE), (0, HUGE, HUGE, HUGE), (0, 0, 0, 1 << 27)])
@pytest.mark.parametrize("honest", [False, True])
def test_sizes_are_refused_before_room_is_made_for_them(
    sizes: tuple[int, ...], honest: bool
) -> None:
    _, purchases, baskets, lines = sizes
    head = HEAD.pack(b"RTTP", 2, *sizes)
    body = SNAPPY.compress(bytes(1000), asbytes=True)
    if honest:  # Snappy's own size is the declared one, as far as it can be
        size = 8 * (purchases + 2 * baskets + 1) + 4 * (3 * purchases + lines)
        body = bytes((size >> 7 * n & 127) | 128 * (n < 4) for n in range(5)) + body[2:]
    with pytest.raises(ProfileCodecError, match="bytes in"):
        CODEC.decode(signed(head, body, KEY, RANKED.manifest), KEY)


def test_a_body_shorter_than_declared_shows_nothing_of_the_memory_behind_it() -> None:
    head, plain = taken_apart(VALUE)
    with pytest.raises(ProfileCodecError, match="bytes in"):
        CODEC.decode(forged(head, plain[:-4], KEY, RANKED.manifest), KEY)


mutations = st.lists(
    st.tuples(st.integers(0), st.one_of(st.binary(min_size=1, max_size=8), st.just(b"\xff" * 8))),
    min_size=1,
    max_size=6,
)


@given(mutations=mutations, in_head=st.booleans())
def test_with_a_right_checksum_bytes_are_refused_or_answer_like_any_profile(
    mutations: list[tuple[int, bytes]], in_head: bool
) -> None:
    head, plain = taken_apart(VALUE)
    changed = bytearray(head[6:] if in_head else plain)
    for place, new in mutations:
        at = place % len(changed)
        changed[at : at + len(new)] = new[: len(changed) - at]
    head, plain = (head[:6] + changed, plain) if in_head else (head, bytes(changed))
    try:
        profile = CODEC.decode(forged(head, plain, KEY, RANKED.manifest), KEY)
    except ProfileCodecError:
        return
    request = RecommendRequest(user_id="Zoë", basket=["item-01"], k=10, explain=True)
    answer = RECOMMENDER.recommend(request, profile=profile)
    assert len(answer.items) == 10
    assert np.isfinite([each.score for each in answer.items]).all()
