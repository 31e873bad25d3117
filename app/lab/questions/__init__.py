"""The questions of the path, in order. One module for each few of them, with the experiments beside the words."""

from app.lab.questions import (
    elsewhere,
    lists,
    propagation,
    refreshing,
    services,
    sessions,
    signing_out,
    standard,
    storing,
    times_and_logs,
)
from app.lab.questions.question import Question

ASKED: tuple[Question, ...] = (*signing_out.QUESTIONS, *storing.QUESTIONS)
ANSWERED: tuple[Question, ...] = (
    *refreshing.QUESTIONS,
    *elsewhere.QUESTIONS,
    *sessions.QUESTIONS,
    *lists.QUESTIONS,
    *times_and_logs.QUESTIONS,
    *propagation.QUESTIONS,
    *services.QUESTIONS,
    *standard.QUESTIONS,
)
ALL: dict[str, Question] = {question.id: question for question in (*ASKED, *ANSWERED)}
