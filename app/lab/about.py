"""What is to be said of each design: the standard it follows, how long it lets an old token live, when to choose it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """*follows*: a standard or a custom. *exposure*, *choose* and *avoid*: a sentence each."""

    follows: str
    exposure: str
    choose: str
    avoid: str


_STORE_DOWN = "It refuses everybody while the store is down."

ALL = {
    "expiry": About(
        "RFC 9068 (JWT access tokens), RFC 6749 (refresh tokens). Kerberos tickets work this way.",
        "An old access token lives until it expires: here up to five minutes, whatever anybody does.",
        "Choose it where minutes do not matter and verifiers are many, or cannot be reached.",
        "Not where a person who signs out, or an account that is disabled, has to be out at once.",
    ),
    "session": About(
        "The session of every classic web framework: a random cookie and a row at the server.",
        f"None: the row is gone with the sign-out. {_STORE_DOWN}",
        "Choose it for one site with one database: nothing is simpler, and nothing is more exact.",
        "Not where verifiers are far from the database, or belong to somebody else.",
    ),
    "client-data": About(
        "A session at the server, and data in the browser's own storage, filed under the session.",
        f"None for the session. Data in the browser goes only if the browser obeys: Clear-Site-Data asks it to. {_STORE_DOWN}",
        "Choose it to keep what is large or private, such as filters and drafts, off the server.",
        "Not for anything that the server has to believe: who holds the browser can change it.",
    ),
    "introspection": About(
        "RFC 7662: the verifier asks the issuer about each token. For certificates, OCSP does the same.",
        f"None: the issuer looks into its log. {_STORE_DOWN}",
        "Choose it where tokens are opaque on purpose, or verifiers should keep nothing.",
        "Not where a round trip for each request is too dear, or the issuer's failure must not be everybody's.",
    ),
    "introspection-cached": About(
        "RFC 7662, section 4: an answer may be kept, at the price of being late.",
        "An old token lives as long as the cached answer: here up to a minute.",
        "Choose it when introspection is too slow and a stated minute is acceptable.",
        "Not with a cache that has no end, or one that outlives the token's expiry.",
    ),
    "denylist-ask": About(
        "A custom: the ids of what was revoked, in Redis or a table, until they would have expired.",
        f"None. {_STORE_DOWN} Many libraries accept instead, and nobody notices.",
        "Choose it to add revocation to signed tokens without touching those who issue them.",
        "Not if the list can lose its content: what it forgets is accepted again.",
    ),
    "denylist-poll": About(
        "A custom: each verifier fetches the list now and then, and keeps the last one it got.",
        "An old token lives until the next poll, here up to a minute; with the list server down, until it expires.",
        "Choose it where requests are many and a stated delay is acceptable.",
        "Not without an age at which an old list is no longer trusted: this one has none, and fails open.",
    ),
    "denylist-push": About(
        "A custom: verifiers subscribe and are told. Shared Signals (SSF, CAEP) make a standard of it.",
        "None while the channel works. A message that is lost stays lost: then until the token expires.",
        "Choose it for speed, with something that notices what was missed: a position, a lease, a poll.",
        "Not as it stands here: it cannot tell silence from peace.",
    ),
    "allowlist-ask": About(
        "A custom: an id in the token, looked up among those that are good.",
        f"None. {_STORE_DOWN}",
        "Choose it where what is unknown has to be refused, even if the store has lost its content.",
        "Not for its size: it holds everybody who is signed in, a denylist only those who have left.",
    ),
    "cutoff-ask": About(
        "ASVS 7.4.1 names it: tokens issued before a date and time of each user are refused.",
        f"None, and too much: every sign-out ends all of this person's sessions. {_STORE_DOWN}",
        "Choose it for “sign out everywhere”, a changed password, a disabled account: one row a person.",
        "Not for the sign-out of one device. And not by whole seconds: compare positions in a log.",
    ),
    "status-list": About(
        "Token Status List (IETF draft): a signed, compressed list of bits. For certificates, a CRL.",
        "An old token lives until the next list, here up to a minute. A list that is too old is trusted no more.",
        "Choose it for verifiers who must not tell the issuer whom they see, and for very many of them.",
        "Not where a minute is too long: the list is as old as its time to live says.",
    ),
    "transparency": About(
        "RFC 6962 (Certificate Transparency), tlog-checkpoint: an append-only log with signed heads.",
        "As a polled list: here up to a minute. What it adds is that a withheld or rewritten entry shows.",
        "Choose it where the issuer itself has to be checked: a proof for each revocation, kept by anybody.",
        "Not as a check of its own: it proves what was said, and says nothing sooner.",
    ),
    "this-site": About(
        "Push with a lease: news are pushed, and what is remembered is trusted for one second.",
        "None: Sign Out answers when every node has confirmed. A node that has heard nothing for a second asks the log.",
        "Choose it where an end has to be an end on many machines, and a look-up for each request is too dear.",
        "Not where there is no log to ask when in doubt: then the lease has to end in a refusal each time.",
    ),
    "allowlist-poll": About(
        "A custom, seldom seen: a copy of all that is good.",
        "An old token lives until the next poll; a new one is refused until then.",
        "Choose it hardly ever: a short list of machines, perhaps, that change once a day.",
        "Not for people, who expect to be in when they have signed in.",
    ),
    "allowlist-push": About(
        "A custom: what is good is pushed to the verifiers when it begins and when it ends.",
        "None while the channel works. If the news of an end is lost, until the token expires.",
        "Choose it where a lost beginning may refuse somebody, and ends are pushed with care.",
        "Not without a way to notice a lost message.",
    ),
    "cutoff-poll": About(
        "A custom: a short table of times, one for each person who signed out lately.",
        "An old token lives until the next poll, and then every session of the person is over.",
        "Choose it for disabled accounts, at verifiers that may be a minute late.",
        "Not for the sign-out of one device.",
    ),
    "cutoff-push": About(
        "A custom: a person's logout time is pushed. Global Token Revocation (a draft) is about the same.",
        "None while the channel works, and then every session of the person is over.",
        "Choose it for “everything of this person, now”.",
        "Not for the sign-out of one device.",
    ),
    "status-list-ask": About(
        "Token Status List, fetched anew for each request.",
        "None, at the price of a whole list for each question.",
        "Choose it only while trying things out.",
        "Not in earnest: introspection answers the same with less.",
    ),
    "status-list-push": About(
        "Token Status List, sent to verifiers whenever it changes.",
        "None while the channel works; else until the token expires.",
        "Choose it for few verifiers that hold many tokens.",
        "Not for many verifiers: the whole list goes to each of them.",
    ),
    "introspection-push": About(
        "RFC 7662 with a cache that the issuer empties.",
        "None while the channel works; else until the token expires.",
        "Choose it where introspection has to be fast, and add an end to the cache.",
        "Not without that end.",
    ),
}  # fmt: skip
