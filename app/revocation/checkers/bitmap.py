"""A set of positions in the log, one bit each. A page exists while it holds a position."""

from collections.abc import Iterator

PAGE = 1 << 16  # positions


class Bitmap:
    """A set of positions."""

    def __init__(self) -> None:
        self._pages: dict[int, tuple[bytearray, list[int]]] = {}  # a page, and how many are in it

    def __contains__(self, position: int) -> bool:
        page = self._pages.get(position // PAGE)
        return page is not None and bool(page[0][position % PAGE >> 3] & 1 << (position & 7))

    def __len__(self) -> int:
        return sum(count[0] for _, count in self._pages.values())

    def add(self, position: int) -> bool:
        """Add a position. Return whether it is new."""
        page = self._pages.get(position // PAGE)
        if page is None:
            page = self._pages[position // PAGE] = (bytearray(PAGE // 8), [0])
        bits, count = page
        byte, bit = position % PAGE >> 3, 1 << (position & 7)
        if bits[byte] & bit:
            return False
        bits[byte] |= bit
        count[0] += 1
        return True

    def remove(self, position: int) -> None:
        """Remove a position that is in the set."""
        bits, count = self._pages[position // PAGE]
        bits[position % PAGE >> 3] &= ~(1 << (position & 7))
        count[0] -= 1
        if not count[0]:
            del self._pages[position // PAGE]

    def pages(self) -> Iterator[bytes]:
        """Return the pages in order, each as its number (8 bytes) and its bits."""
        for number in sorted(self._pages):
            yield number.to_bytes(8) + bytes(self._pages[number][0])
