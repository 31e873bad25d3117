"""The questions of the path, in order. Each stands whole in its file; what is more than acts has a function in `experiments`."""

from typing import Any

from app.lab.questions import experiments
from app.lab.questions.question import Question, read
from app.lab.questions.trial import Trial

ASKED = tuple(read("signing_out", "storing"))
ANSWERED = tuple(
    read("refreshing", "elsewhere", "sessions", "lists", "times_and_logs", "propagation", "services", "standard")
)
ALL: dict[str, Question] = {question.id: question for question in (*ASKED, *ANSWERED)}


def carry_out(name: str) -> dict[str, Any]:
    """Carry out the experiment of a question, and return its evidence. It sends requests, so no transaction may be open."""
    question = ALL[name]
    trial = Trial(question)
    trial.play(*question.story)
    if question.experiment:
        trial.values |= getattr(experiments, question.experiment)(trial)
    return trial.evidence()
