"""What the prompts of reasoning_agent say: which tools to call, and what to make of their answers."""

from app.a2a.mcp.errors import InvalidArgumentError, LimitExceededError

MAX_PROMPT_CHARACTERS = 20_000

_ADVICE = """Choose the tool that decides this problem, call it, and report its answer with what it rests on.

- Does a claim follow from statements? check_entailment. Can statements all be true? check_consistency.
- What could be behind an observation? explain_observation, with the possible causes as hypotheses.
- What follows from facts and rules, with proofs? infer_facts.
- Which values fit requirements, or fit best? solve_constraints.
- Which of several arguments that attack each other stand? evaluate_arguments.
- How probable is something, given evidence and known dependencies? query_bayesian_network.
- Is an argument of several steps sound? reasoning_chain_analysis, its steps as formulas where you can.
- Several questions in one? decompose_question first.

The notation of each is in the resource reasoning://formula-grammar; reasoning://examples/TOOL has arguments that
work. A status "unknown" is not a no: give it more time (timeout_ms) or a smaller problem. If no tool fits, say so.

The problem:
"""

_FORMALIZE = """Put this argument into formulas and have it checked.

1. List the premises and the conclusion, one plain sentence each; name premises that are only implied as such.
2. Choose names, lower-case first letter, and say what each stands for: rain, mortal(socrates).
3. Write each sentence as a formula: not, and, or, xor, ->, <->, forall x: …, exists x: …, =, != (grammar in the
   resource reasoning://formula-grammar).
4. Call check_consistency on the premises; if they clash, report the conflict and stop.
5. Call check_entailment. Entailed: name the premises used. Not entailed: put the countermodel into words and name
   the smallest premise that would rule it out. Unknown is not a no.
6. For an argument of several steps call reasoning_chain_analysis with notation formula instead.

A formula is not the text: say where your reading of it was a choice.

The argument:
"""


def advisor_message(problem: str) -> str:
    """The message that helps to choose a tool for `problem`."""
    return _ADVICE + _checked(problem, "/problem")


def formalize_message(text: str) -> str:
    """The message that has the argument in `text` formalized and checked."""
    return _FORMALIZE + _checked(text, "/text")


def _checked(text: str, path: str) -> str:
    if not text.strip():
        raise InvalidArgumentError.at(path, "must not be blank")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise LimitExceededError.at(path, f"must have at most {MAX_PROMPT_CHARACTERS} characters")
    return text.strip()
