"""Merkle trees as certificate transparency has them (RFC 6962, section 2.1). Pure."""

import hashlib
from collections.abc import Callable, Sequence

Subtree = Callable[[int, int], bytes]
"""(level, index) -> the hash of the complete subtree of 2**level leaves, the index-th of its level."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds *data*."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def of_leaves(hashes: Sequence[bytes]) -> Subtree:
    """Return the subtrees over the hashes of leaves."""

    def subtree(level: int, index: int) -> bytes:
        if level == 0:
            return hashes[index]
        return node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))

    return subtree


def root(size: int, subtree: Subtree) -> bytes:
    """Return the hash of the tree over the first *size* leaves."""
    return _range(0, size, subtree) if size else hashlib.sha256().digest()


def inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Prove that the leaf at *index* is in the tree of *size* leaves (section 2.1.1)."""
    if not 0 <= index < size:
        raise IndexError(index)
    return _path(index, 0, size, subtree)


def consistency(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """Prove that the tree of *first* leaves is a beginning of that of *second* (section 2.1.2)."""
    if not 0 < first <= second:
        raise IndexError(first)
    return _subproof(first, 0, second, subtree, is_whole=True)


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root that *proof* leads to from the hash of a leaf. Raises ValueError if it has the wrong length."""
    if not 0 <= index < size:
        raise ValueError("the index is outside of the tree")
    if size == 1:
        if proof:
            raise ValueError("the proof is too long")
        return leaf
    if not proof:
        raise ValueError("the proof is too short")
    split, (*rest, last) = _split(size), proof
    if index < split:
        return node_hash(root_by_inclusion(index, split, leaf, rest), last)
    return node_hash(last, root_by_inclusion(index - split, size - split, leaf, rest))


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Check a consistency proof (RFC 6962, section 2.1.2)."""
    if not 0 < first <= second:
        return False
    try:
        return _both_roots(first, second, proof, first_root) == (first_root, second_root)
    except ValueError:
        return False  # the proof has the wrong length


def _range(start: int, size: int, subtree: Subtree) -> bytes:
    """Return the hash over *size* leaves from *start*, a multiple of the greatest power of two below *size*."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtree(level, start >> level)
    split = _split(size)
    return node_hash(_range(start, split, subtree), _range(start + split, size - split, subtree))


def _path(index: int, start: int, size: int, subtree: Subtree) -> list[bytes]:
    if size == 1:
        return []
    split = _split(size)
    if index < split:
        return [*_path(index, start, split, subtree), _range(start + split, size - split, subtree)]
    return [*_path(index - split, start + split, size - split, subtree), _range(start, split, subtree)]


def _subproof(first: int, start: int, size: int, subtree: Subtree, *, is_whole: bool) -> list[bytes]:
    if first == size:
        return [] if is_whole else [_range(start, size, subtree)]
    split = _split(size)
    if first <= split:
        left = _subproof(first, start, split, subtree, is_whole=is_whole)
        return [*left, _range(start + split, size - split, subtree)]
    right = _subproof(first - split, start + split, size - split, subtree, is_whole=False)
    return [*right, _range(start, split, subtree)]


def _both_roots(first: int, size: int, proof: Sequence[bytes], whole: bytes | None) -> tuple[bytes, bytes]:
    """Return the roots over the first leaves and over all that *proof* leads to; *whole*: the former, if known."""
    if first == size:
        (found,) = [whole, *proof] if whole else proof
        return found, found
    split, (*rest, last) = _split(size), proof
    if first <= split:
        old, new = _both_roots(first, split, rest, whole)
        return old, node_hash(new, last)
    old, new = _both_roots(first - split, size - split, rest, None)
    return node_hash(last, old), node_hash(last, new)


def _split(size: int) -> int:
    """Return the greatest power of two that is smaller than *size*."""
    return 1 << (size - 1).bit_length() - 1
