"""The questions of the path, in order. Each stands whole in its file; a story that takes more than acts has a function here."""

from typing import Any

from app.lab.questions import compared, presented, stored
from app.lab.questions.question import Question, read
from app.lab.questions.trial import Trial

ASKED = tuple(read("signing_out", "storing"))
ANSWERED = tuple(
    read("refreshing", "elsewhere", "sessions", "lists", "times_and_logs", "propagation", "services", "standard")
)
ALL: dict[str, Question] = {question.id: question for question in (*ASKED, *ANSWERED)}
_MORE = {
    "Q2": presented.revoke_by_request,
    "Q6": stored.steal_a_row,
    "Q7": stored.time_a_check,
    "Q8": stored.weigh_two_tables,
    "A2": presented.visit_for_half_an_hour,
    "A5": compared.refresh_elsewhere,
    "A6": presented.read_without_a_key,
    "A7": compared.end_in_three_ways,
    "A8": stored.filter_and_prefer,
    "A10": stored.revoke_by_session_id,
    "A20": compared.cut_one_of_three_services,
}


def carry_out(name: str) -> dict[str, Any]:
    """Carry out the experiment of a question, and return its evidence. It sends requests, so no transaction may be open."""
    trial = Trial(ALL[name])
    trial.play(*trial.question.story)
    if name in _MORE:
        trial.values |= _MORE[name](trial)
    return trial.evidence()
