"""Merkle proofs, for every tree that a person could draw, and against the published vectors."""

import hashlib
from functools import cache

import pytest

from app.revocation import merkle
from tests.conftest import LONG

# The eight leaves of the reference tree of certificate transparency, and its roots at each size.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 256 if LONG else 64
HASHES = [merkle.leaf_hash(number.to_bytes(2)) for number in range(LARGEST)]
TREE = cache(merkle.of_leaves(HASHES))  # each subtree is hashed once, however many proofs need it
ROOT = [merkle.root(size, TREE) for size in range(LARGEST + 1)]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert merkle.root(size, merkle.of_leaves(hashes)).hex() == ROOTS[size]


def test_the_published_proofs() -> None:
    tree = merkle.of_leaves([merkle.leaf_hash(leaf) for leaf in LEAVES])
    assert [found.hex()[:8] for found in merkle.inclusion(5, 8, tree)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [found.hex()[:8] for found in merkle.consistency(6, 8, tree)] == ["0ebc5d34", "ca854ea1", "d37ee418"]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_every_tree_is_proven_and_no_other_is(size: int) -> None:
    for index in range(size):
        proof = merkle.inclusion(index, size, TREE)
        assert merkle.root_by_inclusion(index, size, HASHES[index], proof) == ROOT[size]
        other = HASHES[(index + 1) % LARGEST]
        assert merkle.root_by_inclusion(index, size, other, proof) != ROOT[size]


@pytest.mark.parametrize("second", range(1, LARGEST + 1))
def test_every_earlier_tree_is_proven_to_be_a_beginning(second: int) -> None:
    for first in range(1, second + 1):
        proof = merkle.consistency(first, second, TREE)
        assert merkle.is_consistent(first, ROOT[first], second, ROOT[second], proof)
        assert not merkle.is_consistent(first, ROOT[first - 1], second, ROOT[second], proof)
        if proof:
            forged = [hashlib.sha256(proof[0]).digest(), *proof[1:]]
            assert not merkle.is_consistent(first, ROOT[first], second, ROOT[second], forged)
            assert not merkle.is_consistent(first, ROOT[first], second, ROOT[second], proof[:-1])


def test_a_proof_of_the_wrong_length_is_refused() -> None:
    proof = merkle.inclusion(5, 8, TREE)
    for wrong in (proof[:-1], [*proof, proof[0]]):
        with pytest.raises(ValueError, match="the proof is too"):
            merkle.root_by_inclusion(5, 8, HASHES[5], wrong)
    with pytest.raises(ValueError, match="outside"):
        merkle.root_by_inclusion(8, 8, HASHES[5], proof)


def test_nothing_can_be_proven_of_what_is_not_there() -> None:
    for prove, values in ((merkle.inclusion, (8, 8)), (merkle.consistency, (9, 8)), (merkle.consistency, (0, 8))):
        with pytest.raises(IndexError):
            prove(*values, TREE)
    assert not merkle.is_consistent(0, ROOT[0], 8, ROOT[8], [])
    assert not merkle.is_consistent(2, ROOT[2], 8, ROOT[8], [ROOT[1]] * 9)
