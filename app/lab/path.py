"""The path: every question in order. The prediction comes first; then it is tried for real, and the answer shown."""

import json
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.capacity import executor
from app.lab import player, questions, visitors
from app.lab.questions.question import Question
from app.lab.visitors import Visitor

bp = Blueprint("path", __name__)
Answers = dict[str, dict[str, Any]]


@bp.get("/path")
def overview() -> ResponseReturnValue:
    answers = _answers(visitors.here())
    following = next((question for name, question in questions.ALL.items() if name not in answers), None)
    return render_template("lab/path.html", parts=questions.PARTS, next=following, **_score(answers))


@bp.get("/path/<name>")
def show(name: str) -> ResponseReturnValue:
    return _page(_question(name), _answers(visitors.here()))


@bp.post("/path/<name>")
def predict(name: str) -> ResponseReturnValue:
    """Carry out the experiment, and store the prediction with the evidence. A second prediction changes nothing."""
    question, answers = _question(name), _answers(visitors.here())
    guess = request.form.get("guess", "")
    if guess not in question.choices:
        return _page(question, answers, unchosen=True), 422
    if name in answers:
        return redirect(f"/lab/path/{name}#answer", 303)
    visitors.begun.spend()
    outcome = executor.run("lab", visitors.current(), questions.carry_out, name)
    answer = {
        "guess": guess,
        "found": outcome["choice"],
        "right": guess == outcome["choice"],
        "evidence": outcome,
    }
    with visitors.changing() as here:
        here.answers = json.dumps({name: answer, **_answers(here)}, separators=(",", ":"))
    return redirect(f"/lab/path/{name}#answer", 303)


@bp.post("/path/again")
def again() -> ResponseReturnValue:
    """Forget this visitor's predictions, and nothing else."""
    with visitors.changing() as here:
        here.answers = "{}"
    return redirect("/lab/path", 303)


@bp.get("/hand-out")
def hand_out() -> ResponseReturnValue:
    """Return the questions on paper; with ?answers=1 also the explanations, and what this visitor found."""
    answers = _answers(visitors.here())
    return render_template(
        "lab/hand-out.html", parts=questions.PARTS, with_answers="answers" in request.args, **_score(answers)
    )


def _page(question: Question, answers: Answers, *, unchosen: bool = False) -> str:
    order = list(questions.ALL)
    return render_template(
        "lab/question.html",
        question=question,
        answer=answers.get(question.id),
        designs={design.slug: design.name for design in player.every()},
        order=order,
        place=order.index(question.id),
        unchosen=unchosen,
        **_score(answers),
    )


def _question(name: str) -> Question:
    return questions.ALL.get(name) or abort(404)


def _answers(here: Visitor | None) -> Answers:
    """Return a visitor's predictions and evidence so far, to questions and choices that still exist."""
    found = here.read_answers() if here else {}
    asked = [(name, question) for name, question in questions.ALL.items() if name in found]
    return {name: found[name] for name, question in asked if found[name]["guess"] in question.choices}


def _score(answers: Answers) -> dict[str, Any]:
    right = sum(answer["right"] for answer in answers.values())
    return {"answers": answers, "tried": len(answers), "right": right, "total": len(questions.ALL)}
