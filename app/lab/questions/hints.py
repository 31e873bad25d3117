"""Two hints for each question, for those who are stuck before they predict: where to look, and then what to think of."""

HINTS: dict[str, tuple[str, str]] = {
    "Q1": ("What does the signature cover?", "Who can check it with a public key, and whom would they have to ask?"),
    "Q2": (
        "Which of the two tokens does the server keep a record of?",
        "What can a server do with its own record when a client says that the token is over?",
    ),
    "Q3": (
        "Write down everything that this verifier knows when the copy arrives.",
        "Is anything in it different from what it knew before the sign-out?",
    ),
    "Q4": (
        "What does a session cookie contain, and what does it only point at?",
        "The thief’s cookie is the same as the user’s. Does the page ask anyone about it?",
    ),
    "Q5": ("Who learned of the sign-out?", "Which design can act on something that it was never told?"),
    "Q6": (
        "Copy a hash from a password table. Could you sign in with it?",
        "The server hashes what is presented. What is the hash of a hash?",
    ),
    "Q7": (
        "One is elliptic-curve arithmetic, the other a read from a page that is in memory. Guess each in microseconds.",
        "Think of SQLite in the same process; then of a database on another machine.",
    ),
    "Q8": (
        "How long does each of the two tables have to keep a row?",
        "Of 2,000 people a fifth sign out, and a token lives five minutes. How many rows are there at one moment?",
    ),
    "Q9": ("Sort the six by what they do at each request.", "Which of them need the store to say yes to a good token?"),
    "A1": (
        "What does a verifier that asks each time learn from the answer?",
        "What is left for the signature to save, once the question is asked?",
    ),
    "A2": (
        "The JWT lives five minutes, the visit thirty.",
        "Which of the thirty requests cannot be answered from the token alone?",
    ),
    "A3": ("Where does the server look when a refresh token arrives?", "Does it matter there why the session is over?"),
    "A4": (
        "Two holders present the same token, and the server cannot see which one is the thief.",
        "What is the least that stops the thief for certain, and whom does it spare?",
    ),
    "A18": ("What does the token endpoint ask for?", "Whose lifetime limits it: the access token’s or the session’s?"),
    "A5": (
        "Where does a server learn what browser it talks to?",
        "Which of these signs can a thief send as easily as the copied token?",
    ),
    "A6": ("Open a JWT at its dots. What is between them?", "Reading and checking are two things. Which needs a key?"),
    "A7": (
        "There are three copies: an access token, a refresh token, a session cookie.",
        "For each of the three ends, ask who tells the server that answers the refresh.",
    ),
    "A8": ("Which of the two is still there on another device?", "One shapes an answer, the other an account."),
    "A19": (
        "There are two formats, and each can be looked up or not.",
        "Which of the four ask the store before they say yes?",
    ),
    "A21": ("When is the time of expiry known to a verifier?", "Who has to send a message for it?"),
    "A9": (
        "For how long can a token of that session still be presented?",
        "What does the list gain from a line about a token that has expired?",
    ),
    "A10": (
        "What do the three tokens have in common?",
        "Does the server need to know a token if every token says which session it is of?",
    ),
    "A11": (
        "In that second, what does each of the two already know?",
        "One fetches at the full minute. When is the next one?",
    ),
    "A12": ("What is on an empty list?", "Which of denylist and allowlist treats “not found” as “go away”?"),
    "A13": (
        "Times in a JWT are whole seconds.",
        "Compare the new token’s second with the logout time, once with < and once with ≤.",
    ),
    "A14": (
        "For each of the three: when did it last hear from the issuer?",
        "Which of them asks during the request itself?",
    ),
    "A15": ("When was the copied token issued?", "Subtract what has passed from how long it lives."),
    "A16": (
        "What does the entry in the log name: a user or a session?",
        "Which design keeps nothing but one time for each user?",
    ),
    "A17": (
        "What does each of the two do when no message comes?",
        "One of them reads the log by itself. How often in two seconds?",
    ),
    "A20": (
        "What does a service do that cannot reach its list: go on, or stop?",
        "Do all designs make the same choice?",
    ),
    "A22": (
        "RFC 7009, section 2, uses two different verbs for the two kinds of token. Which?",
        "Who has to hear of the revocation before the access token is refused?",
    ),
}
