"""The questions of the path, in order. Each stands whole in its file; what is more than acts has a function in `experiments`."""

from typing import Any

from app.lab.questions import experiments
from app.lab.questions.question import read
from app.lab.questions.trial import Trial

PARTS = {
    "What was asked": tuple(read("signing_out", "storing")),
    "What was answered": tuple(
        read("refreshing", "elsewhere", "sessions", "lists", "times_and_logs", "propagation", "services", "standard")
    ),
}
ALL = {question.id: question for part in PARTS.values() for question in part}


def carry_out(name: str) -> dict[str, Any]:
    """Carry out the experiment of a question, and return its evidence. It sends requests, so no transaction may be open."""
    question = ALL[name]
    trial = Trial(question)
    trial.play(*question.story)
    if question.experiment:
        trial.values |= getattr(experiments, question.experiment)(trial)
    return trial.evidence()
