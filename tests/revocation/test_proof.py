"""The log proves itself: signed heads, tiles, receipts to keep, and an audit that names what was tampered with."""

import base64
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proofbundle.checkpoint import verify_checkpoint
from proofbundle.tlogproof import parse_tlog_proof, verify_tlog_proof

from app.revocation import checkpoint, log, merkle
from app.revocation.entries import Scope
from app.revocation.tree import TreeDamaged
from app.revocation.witness import LogCut
from app.store.db import writing
from tests import backings
from tests.browsers import Browser, Site
from tests.conftest import StillClock

FIELDS = "kind, scope, subject, opened, until, at, reason, actor, nonce"


def fill(site: Site, count: int) -> None:
    """Append entries."""
    with site.app.app_context(), writing():
        for number in range(count):
            log.revoke(Scope.TOKEN, f"t{number}", until=0, reason="why")


def fetch(site: Site, path: str) -> Any:
    answer = site.browser().get(path)
    assert answer.status_code == 200, path
    return answer


def key(site: Site) -> str:
    found: str = fetch(site, "/log/key").text.strip()
    return found


def audit(site: Site) -> tuple[int, str]:
    found = site.app.test_cli_runner().invoke(args=["log", "verify"])
    return found.exit_code, found.output


def check(site: Site, file: Any, *more: str) -> tuple[int, str]:
    found = site.app.test_cli_runner().invoke(args=["log", "verify-receipt", str(file), *more])
    return found.exit_code, found.output


@pytest.fixture(scope="module")
def downloaded(shared_instance: Path) -> Iterator[tuple[Site, str]]:
    """A site, and what a user has downloaded there after signing out."""
    site = Site(shared_instance)
    fill(site, 300)
    ada = site.member()
    ada.sign_out()
    answer = ada.get("/signed-out.tlog-proof")
    assert "signed-out.tlog-proof" in answer.headers["Content-Disposition"]
    yield site, answer.text
    site.close()


def test_tlg_02_an_independent_program_accepts_the_signed_head(site: Site) -> None:
    fill(site, 3)
    found = verify_checkpoint(fetch(site, "/log/checkpoint").text, key(site))
    assert found["ok"]
    assert found["tree_size"] == 3


@pytest.mark.question("A14")
def test_tlg_04_an_independent_program_accepts_the_proof_of_a_sign_out(downloaded: tuple[Site, str]) -> None:
    site, proof = downloaded
    commitment = checkpoint.read(proof).commitment
    found = verify_tlog_proof(proof, commitment, key(site))
    assert found["ok"], found
    assert parse_tlog_proof(proof)["index"] == 301
    assert not verify_tlog_proof(proof, b"another entry", key(site))["ok"]
    assert not verify_tlog_proof(proof.replace("index 30", "index 29"), commitment, key(site))["ok"]


def test_our_own_program_accepts_the_proof_off_line(downloaded: tuple[Site, str], tmp_path: Any) -> None:
    site, proof = downloaded
    file = tmp_path / "signed-out.tlog-proof"
    file.write_text(proof)
    for more in ([], ["--key", key(site)]):
        code, said = check(site, file, *more)
        assert code == 0, said
        assert "was revoked on" in said
        assert "(signed_out)" in said


def test_a_proof_in_which_anything_was_changed_proves_nothing(downloaded: tuple[Site, str], tmp_path: Any) -> None:
    site, proof = downloaded
    file, lines = tmp_path / "forged", proof.split("\n")
    for number in [number for number, line in enumerate(lines) if line]:
        middle = len(lines[number]) // 2
        other = "A" if lines[number][middle] != "A" else "B"
        forged = lines[number][:middle] + other + lines[number][middle + 1 :]
        file.write_text("\n".join([*lines[:number], forged, *lines[number + 1 :]]))
        assert check(site, file)[0] == 1, forged


def test_an_entry_under_another_index_proves_nothing(downloaded: tuple[Site, str], tmp_path: Any) -> None:
    site, proof = downloaded
    file = tmp_path / "forged"
    file.write_text(proof.replace("\nindex 301\n", "\nindex 300\n"))
    code, said = check(site, file)
    assert code == 1
    assert "the entry says another position than the proof" in said


def test_another_logs_key_does_not_do(downloaded: tuple[Site, str], tmp_path: Any) -> None:
    site, proof = downloaded
    file = tmp_path / "signed-out.tlog-proof"
    file.write_text(proof)
    name, number, _ = key(site).split("+", 2)
    other = f"{name}+{number}+{base64.b64encode(bytes(33)).decode()}"
    assert check(site, file, "--key", other)[0] == 1


def test_only_the_browser_that_signed_out_gets_the_proof(downloaded: tuple[Site, str]) -> None:
    site, proof = downloaded
    assert proof
    assert site.browser().get("/signed-out.tlog-proof").status_code == 404


def test_tlg_03_the_tiles_lead_to_the_signed_root(site: Site) -> None:
    fill(site, 600)
    size, root = fetch(site, "/log/checkpoint").text.split("\n")[1:3]
    names = ("000", "001", f"002.p/{int(size) - 512}")
    content = b"".join(fetch(site, f"/log/tile/0/{name}").data for name in names)
    hashes = [content[start : start + 32] for start in range(0, len(content), 32)]
    assert len(hashes) == int(size)
    assert base64.b64encode(merkle.root(int(size), merkle.of_leaves(hashes))).decode() == root
    upper = fetch(site, "/log/tile/1/000.p/2")
    assert "immutable" in upper.headers["Cache-Control"]
    assert upper.data[:32] == merkle.of_leaves(hashes)(8, 0)


def test_tlg_05_only_commitments_are_published_and_they_name_no_user(site: Site) -> None:
    ada = site.member()
    sid = ada.session()["sid"]
    ada.sign_out()
    size = int(fetch(site, "/log/checkpoint").text.split("\n")[1])
    content = fetch(site, f"/log/tile/entries/000.p/{size}").data
    assert content[:2] == (32).to_bytes(2)
    assert len(content) == 34 * size
    assert sid.encode() not in content
    leaves = fetch(site, f"/log/tile/0/000.p/{size}").data
    assert leaves[:32] == merkle.leaf_hash(content[2:34])


@pytest.mark.parametrize(
    "path", ["0/001", "0/000", "0/000.p/4", "0/000.p/0", "0/000.p/256", "0/1", "1/000", "9/000", "entries/000", "x/0"]
)
def test_a_tile_that_is_not_there_is_404(site: Site, path: str) -> None:
    fill(site, 3)
    assert site.browser().get(f"/log/tile/{path}").status_code == 404


def test_every_head_that_was_signed_is_a_beginning_of_the_next(site: Site) -> None:
    heads = []
    for _ in range(4):
        fill(site, 5)
        heads.append(fetch(site, "/log/checkpoint").text.split("\n")[:3])
    hashes = fetch(site, "/log/tile/0/000.p/20").data
    tree = merkle.of_leaves([hashes[start : start + 32] for start in range(0, len(hashes), 32)])
    for (_, first, old), (_, second, new) in pairwise(heads):
        path = merkle.consistency(int(first), int(second), tree)
        assert merkle.is_consistent(int(first), base64.b64decode(old), int(second), base64.b64decode(new), path)


def test_the_same_head_is_signed_once(site: Site, still_clock: StillClock) -> None:
    fill(site, 3)
    first = fetch(site, "/log/checkpoint").text
    site.wait(60)
    assert fetch(site, "/log/checkpoint").text == first
    assert site.query("SELECT made_at FROM log_checkpoints") == [(still_clock.now,)]
    fill(site, 1)
    fetch(site, "/log/checkpoint")
    assert site.query("SELECT size FROM log_checkpoints ORDER BY size") == [(3,), (4,)]


@pytest.mark.stores("bytes")
def test_an_untouched_log_passes_the_audit(site: Site) -> None:
    fill(site, 600)
    fetch(site, "/log/checkpoint")
    assert audit(site) == (0, "All 600 entries are as they were appended.\n")


CHANGES = {
    "kind": "'opened'",
    "scope": "'user'",
    "subject": "'t8'",
    "opened": "opened + 1",
    "until": "until + 1",
    "at": "at - 1",
    "reason": "NULL",
    "actor": "'somebody'",
}


@pytest.fixture
def tampered(site: Site) -> Any:
    """The database, open to an attacker who may do anything to it; ten entries, and a head that was signed at eight."""
    fill(site, 8)
    fetch(site, "/log/checkpoint")
    fill(site, 2)
    with backings.shell(site.folder) as raw:
        backings.drop_triggers(raw)
        yield raw


def literal(site: Site, content: bytes) -> str:
    """Write bytes as this database wants them."""
    is_sqlite = "DATABASE_URL" not in backings.settings(site.folder)
    return f"x'{content.hex()}'" if is_sqlite else f"decode('{content.hex()}', 'hex')"


@pytest.mark.parametrize("column", CHANGES)
def test_an_entry_that_was_changed_in_any_column_is_named(site: Site, tampered: Any, column: str) -> None:
    tampered.execute(f"UPDATE log_entries SET {column} = {CHANGES[column]} WHERE position = 7")
    assert audit(site) == (1, "Error: entry 7 was changed\n")


def test_an_entry_whose_nonce_was_changed_by_a_bit_is_named(site: Site, tampered: Any) -> None:
    [(nonce,)] = tampered.execute("SELECT nonce FROM log_entries WHERE position = 7").fetchall()
    other = literal(site, bytes([nonce[0] ^ 1, *nonce[1:]]))
    tampered.execute(f"UPDATE log_entries SET nonce = {other} WHERE position = 7")
    assert audit(site) == (1, "Error: entry 7 was changed\n")


def test_a_removed_entry_and_an_inserted_one_are_named(site: Site, tampered: Any) -> None:
    tampered.execute("DELETE FROM log_entries WHERE position = 4")
    assert audit(site) == (1, "Error: entry 4 was removed\n")
    copied = f"SELECT 4, {FIELDS} FROM log_entries WHERE position = 3"
    tampered.execute(f"INSERT INTO log_entries (position, {FIELDS}) {copied}")
    assert audit(site) == (1, "Error: entry 4 was changed\n")


def test_an_entry_behind_the_end_and_one_without_a_hash_are_named(site: Site, tampered: Any) -> None:
    copied = f"SELECT 99, {FIELDS} FROM log_entries WHERE position = 3"
    tampered.execute(f"INSERT INTO log_entries (position, {FIELDS}) {copied}")
    assert audit(site) == (1, "Error: entry 99 was inserted: the log has 10\n")
    tampered.execute("DELETE FROM log_leaves WHERE position = 9")
    assert audit(site) == (1, "Error: entry 9 was inserted: it has no hash\n")


@pytest.mark.stores("a transaction")
def test_an_end_that_was_cut_off(site: Site, tampered: Any) -> None:
    tampered.execute("DELETE FROM log_entries WHERE position > 6")
    tampered.execute("DELETE FROM log_leaves WHERE position > 6")
    tampered.execute("UPDATE log_head SET size = 6")
    assert audit(site) == (1, "Error: entry 7 was removed: a head of 8 entries was signed\n")
    with site.app.app_context(), pytest.raises((TreeDamaged, LogCut)):
        checkpoint.latest()
    newcomer = Site(site.folder)  # has read nothing, so only the signed head tells it
    try:
        with newcomer.app.app_context(), pytest.raises(TreeDamaged, match="a head of 8 was signed"):
            checkpoint.latest()
    finally:
        newcomer.close()


def test_nothing_is_signed_over_a_gap(site: Site, tampered: Any) -> None:
    tampered.execute("DELETE FROM log_leaves WHERE position = 4")
    with site.app.app_context(), pytest.raises(TreeDamaged, match="level 0 of the tree has a gap after 0"):
        checkpoint.latest()


DAMAGE = {
    "a hash is missing": (
        "DELETE FROM log_leaves WHERE position = 4",
        ["checkpoint", "tile/0/000.p/8", "tile/entries/000.p/8"],
    ),
    "an entry is missing": ("DELETE FROM log_entries WHERE position = 4", ["tile/entries/000.p/8"]),
    "an entry is another": ("UPDATE log_entries SET subject = 'x' WHERE position = 4", ["tile/entries/000.p/8"]),
}


@pytest.mark.parametrize(("crime", "pages"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_log_publishes_nothing_that_is_not_so_and_tells_the_operator(
    site: Site, tampered: Any, crime: str, pages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    tampered.execute(crime)
    for page in pages:
        caplog.clear()
        answer = site.browser().get(f"/log/{page}")
        assert (answer.status_code, answer.get_json()) == (503, {"error": "log_damaged"}), page
        assert int(answer.headers["Retry-After"]) > 0
        assert "max-age" not in answer.headers.get("Cache-Control", "")
        assert '"event":"log_damaged"' in caplog.text


def test_a_proof_of_a_damaged_log_is_refused_with_a_page_that_says_so(site: Site) -> None:
    ada = site.member()
    ada.sign_out()
    with backings.shell(site.folder) as raw:
        backings.drop_triggers(raw)
        raw.execute("UPDATE log_entries SET reason = 'x' WHERE kind = 'revoked'")
    answer = ada.get("/signed-out.tlog-proof")
    assert answer.status_code == 503
    assert "does not agree with itself" in answer.text


def test_sign_out_is_not_pretended_where_a_damaged_log_takes_no_entry(site: Site) -> None:
    """The entry that fills a tile needs the hashes of all before it."""
    ada, pocket = (member := site.member()), member.pocket()
    fill(site, 255 - site.query("SELECT size FROM log_head")[0][0])
    with backings.shell(site.folder) as raw:
        backings.drop_triggers(raw)
        raw.execute("DELETE FROM log_leaves WHERE position = 4")
    answer = ada.sign_out()
    assert answer.status_code == 503
    assert "the server has not" in answer.text
    assert site.thief(pocket).is_signed_in()


@pytest.fixture
def forged(site: Site, tampered: Any) -> None:
    """An entry was changed together with its hash, by an attacker who knows how this works."""
    tampered.execute("UPDATE log_entries SET subject = 'forged' WHERE position = 5")
    with site.app.app_context():
        [content] = log.commitments(4, 1)
    value = literal(site, merkle.leaf_hash(content))
    tampered.execute(f"UPDATE log_leaves SET hash = {value} WHERE position = 5")


@pytest.mark.usefixtures("forged")
def test_an_entry_that_was_changed_with_its_hash_is_found_by_what_was_signed(site: Site) -> None:
    assert audit(site) == (1, "Error: one of the entries 1 to 8 was changed together with its hash\n")


@pytest.mark.usefixtures("forged")
def test_nothing_is_signed_on_top_of_a_forged_log(site: Site) -> None:
    with site.app.app_context(), pytest.raises(TreeDamaged, match="not a beginning of the log"):
        checkpoint.latest()


def test_the_hash_of_a_full_tile_is_checked_too(site: Site) -> None:
    fill(site, 300)
    with backings.shell(site.folder) as raw:
        raw.execute("UPDATE log_tiles SET hash = (SELECT hash FROM log_leaves WHERE position = 1)")
    assert audit(site) == (1, "Error: the stored hash of tile 0 at level 0 was changed\n")


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def test_after_an_older_copy_was_put_back_no_user_is_signed_in_and_the_log_begins_a_new_epoch(
    site: Site, ada: Browser
) -> None:
    before = fetch(site, "/log/checkpoint").text
    bob = site.member("bob@example.org")
    done = site.app.test_cli_runner().invoke(args=["log", "restore", "--yes"])
    assert done.exit_code == 0, done.output
    site.wait(60)
    for browser in (ada, bob):
        assert not site.thief(browser.pocket()).is_signed_in()
        assert not browser.is_signed_in()
    after = fetch(site, "/log/checkpoint").text
    assert before.split("\n")[0] != after.split("\n")[0]
    assert verify_checkpoint(after, key(site))["ok"]
    assert audit(site)[0] == 0
    ada.sign_in()
    assert ada.is_signed_in()
