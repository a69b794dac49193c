"""reasoning_agent: inference with a decision procedure behind every answer, and "unknown" where there is none in time.

Caller text is read by grammars of our own and never evaluated; heavy work runs in the thread pool under a budget.
"""

from typing import Annotated, Any

from mcp_types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference
from pydantic import Field

from app.a2a.mcp.core import Call, Server, run
from app.a2a.mcp.domain.reasoning import abduction, argumentation, bayes, chains, consistency, datalog, entailment
from app.a2a.mcp.domain.reasoning.constraints import Objective
from app.a2a.mcp.domain.reasoning.constraints import solve_constraints as solve
from app.a2a.mcp.domain.reasoning.guide import formula_guide, live_metrics
from app.a2a.mcp.domain.reasoning.questions import Strategy
from app.a2a.mcp.domain.reasoning.questions import decompose_question as decompose
from app.a2a.mcp.domain.reasoning.wording import JUMP_BELOW
from app.a2a.mcp.errors import NotFoundError
from app.a2a.mcp.servers.reasoning_agent_asking import assess, given, likeness, prove, think
from app.a2a.mcp.servers.reasoning_agent_examples import EXAMPLES
from app.a2a.mcp.servers.reasoning_agent_inputs import (
    FormulaText,
    HypothesisInput,
    Identifier,
    NodeInput,
    ObjectiveInput,
    ReasoningStep,
    RuleText,
    Statement,
    VariableInput,
    VariableName,
    check_distinct,
    read_attacks,
    read_domains,
    read_nodes,
    read_steps,
)
from app.a2a.mcp.servers.reasoning_agent_prompts import advisor_message, formalize_message
from app.a2a.mcp.servers.reasoning_agent_results import (
    ArgumentResult,
    ChainAnalysis,
    ChainStrength,
    ConsistencyResult,
    Decomposition,
    EntailmentResult,
    ExplanationResult,
    InferenceResult,
    LogicValidation,
    PosteriorResult,
    SolutionResult,
)

MAX_FORMULAS = 200

TimeoutMs = Annotated[int, Field(ge=100, le=10_000, description="time to think; then the answer is unknown")]

server: Server[None] = Server(
    "reasoning_agent",
    instructions=(
        "Decides logical, causal and combinatorial questions exactly. Formulas: not, and, or, xor, ->, <->, "
        "forall x: …, exists x: …, =, !=; names begin lower-case. A status unknown is not a no."
    ),
)


@server.tool(examples=EXAMPLES["decompose_question"])
async def decompose_question(
    call: Call[None],
    question: Annotated[str, Field(min_length=1, max_length=4000)],
    max_sub_questions: Annotated[int, Field(ge=1, le=20)] = 5,
    decomposition_strategy: Annotated[
        Strategy, Field(description="structural: every kind · comparative: comparisons · temporal: orders in time")
    ] = "structural",
) -> Decomposition:
    """Split a compound English question into simple ones, in the order to answer them.

    Use it before searching or answering when one question holds several. It works on wording alone, says nothing of
    the answer, and gives a question back whole when it finds nothing to split. To check a finished argument take
    reasoning_chain_analysis. Example: "What is photosynthesis and why is it important?" → "What is photosynthesis?"
    and "Why is photosynthesis important?", which depends on the first.
    """
    found = await call.run(decompose, question, decomposition_strategy)
    return Decomposition(
        original_question=question,
        sub_questions=found[:max_sub_questions],
        strategy_used=decomposition_strategy,
        total_sub_questions=len(found),
        truncated=len(found) > max_sub_questions,
    )


@server.tool(examples=EXAMPLES["reasoning_chain_analysis"])
async def reasoning_chain_analysis(
    call: Call[None],
    reasoning_steps: Annotated[list[ReasoningStep], Field(min_length=1, max_length=100)],
    validate_logic: Annotated[bool, Field(description="prove the steps that are formulas")] = True,
    identify_gaps: Annotated[bool, Field(description="look for jumps, missing evidence and unused steps")] = True,
    suggest_improvements: bool = True,
    assess_confidence: Annotated[bool, Field(description="also ask confidence_calculator about the chain")] = False,
    timeout_ms: TimeoutMs = 2000,
) -> ChainAnalysis:
    """Check a chain of reasoning step by step: proofs, references, circles, gaps and how sure the whole can be.

    Use it for an argument of several steps. Steps with notation formula are proved; of text steps only references,
    evidence and wording are checked, not truth. For a single inference take check_entailment. Example: [p -> q, p]
    ⊢ q at 0.9, then [step:0, q -> r] ⊢ r at 0.8 → valid, product 0.72, lower_bound 0.7.
    """
    steps = read_steps(reasoning_steps)
    chain, _ = await prove(call, timeout_ms, chains.analyze_chain, steps, validate_logic)
    looking = identify_gaps or suggest_improvements
    near, degraded = await likeness(call, steps, chain) if looking else ({}, False)
    gaps = chains.find_gaps(steps, chain, near, JUMP_BELOW) if looking else []
    better = chains.improvements(steps, chain.issues, gaps) if suggest_improvements else None
    answer: dict[str, Any] = {}
    if assess_confidence:
        answer["confidence"] = await assess(call, steps, chain)
        degraded = degraded or answer["confidence"] is None
    if validate_logic:
        answer["logic_validation"] = LogicValidation(valid=chain.valid, issues=chain.issues)
    return ChainAnalysis(
        cycles=chain.cycles,
        chain_strength=ChainStrength.of(chains.strength(steps)),
        steps_verified=chain.verified,
        degraded=degraded,
        **given(identified_gaps=gaps if identify_gaps else None, improvements=better),
        **answer,
    )


@server.tool(examples=EXAMPLES["check_entailment"])
async def check_entailment(
    call: Call[None],
    premises: Annotated[list[FormulaText], Field(max_length=MAX_FORMULAS, description="formulas; may be empty")],
    conclusion: FormulaText,
    timeout_ms: TimeoutMs = 2000,
) -> EntailmentResult:
    """Decide whether a conclusion follows from premises in first-order logic; if not, show a case that refutes it.

    Use it to test an inference. Look at premises_consistent: from a contradiction anything follows. To see whether
    statements can all be true take check_consistency; for rules over many facts infer_facts. Example: [p -> q, q] ⊢ p
    is not_entailed, countermodel p false, q true.
    """
    found, elapsed = await prove(call, timeout_ms, entailment.check_entailment, premises, conclusion)
    return EntailmentResult(
        status=found.status,
        premises_consistent=found.premises_consistent,
        elapsed_ms=elapsed,
        **given(countermodel=found.countermodel, used_premises=found.used_premises, reason=found.reason),
    )


@server.tool(examples=EXAMPLES["check_consistency"])
async def check_consistency(
    call: Call[None],
    statements: Annotated[list[Statement], Field(min_length=1, max_length=MAX_FORMULAS)],
    max_conflicts: Annotated[int, Field(ge=1, le=20, description="how many clashes to list")] = 1,
    timeout_ms: TimeoutMs = 2000,
) -> ConsistencyResult:
    """Decide whether statements can all be true; if not, name the smallest clashes and what to give up.

    Use it on requirements, testimonies or beliefs written as formulas. To test one inference take check_entailment,
    for numbers and choices solve_constraints. Example: p; p -> q; not q; r or p → inconsistent, conflict the first
    three, and removing any one of them helps.
    """
    ids = check_distinct([statement.id for statement in statements], "/statements/{}/id")
    formulas = [statement.formula for statement in statements]
    found, _ = await prove(call, timeout_ms, consistency.check_consistency, formulas, max_conflicts)
    return ConsistencyResult(
        status=found.status,
        conflicts=[[ids[i] for i in conflict] for conflict in found.conflicts],
        removal_suggestions=[[ids[i] for i in repair] for repair in found.repairs],
        conflicts_complete=found.conflicts_complete,
        **given(model=found.model, reason=found.reason),
    )


@server.tool(examples=EXAMPLES["explain_observation"])
async def explain_observation(
    call: Call[None],
    theory: Annotated[list[FormulaText], Field(max_length=MAX_FORMULAS)],
    observation: FormulaText,
    hypotheses: Annotated[list[HypothesisInput], Field(min_length=1, max_length=30)],
    max_explanations: Annotated[int, Field(ge=1, le=50)] = 10,
    timeout_ms: TimeoutMs = 2000,
) -> ExplanationResult:
    """Find the smallest sets of assumptions that would explain an observation (abduction), cheapest first.

    Use it for diagnosis: the theory says what causes what, the hypotheses are the possible causes. For how probable
    each cause is take query_bayesian_network. Example: rain -> wet, sprinkler -> wet, observation wet → [[rain],
    [sprinkler]]; with "not rain" in the theory only [[sprinkler]].
    """
    check_distinct([hypothesis.id for hypothesis in hypotheses], "/hypotheses/{}/id")
    options = [abduction.Hypothesis(h.id, h.formula, h.cost) for h in hypotheses]
    search = abduction.explain_observation
    found, _ = await prove(call, timeout_ms, search, theory, observation, options, max_explanations)
    return ExplanationResult(
        status=found.status,
        explanations=found.explanations,
        already_entailed=found.already_entailed,
        complete=found.complete,
        **given(reason=found.reason),
    )


@server.tool(examples=EXAMPLES["infer_facts"])
async def infer_facts(
    call: Call[None],
    facts: Annotated[list[RuleText], Field(max_length=5000, description="such as parent(ann,bob)")],
    rules: Annotated[
        list[RuleText], Field(max_length=200, description="head :- body; capital = variable; not, = != < <= > >=")
    ],
    query: Annotated[RuleText | None, Field(description="a pattern, such as ancestor(ann,X)")] = None,
    explain: Annotated[bool, Field(description="return a proof for each derived fact")] = True,
    max_derived: Annotated[int, Field(ge=1, le=20_000)] = 5000,
    timeout_ms: TimeoutMs = 2000,
) -> InferenceResult:
    """Derive everything that follows from facts and rules (Datalog with stratified negation), with proofs.

    Use it for hierarchies, permissions, reachability. What cannot be derived counts as false under `not`. For
    disjunction or quantifiers take check_entailment. Example: parent(ann,bob), parent(bob,cal) and the two ancestor
    rules; query ancestor(ann,X) → X = bob, X = cal.
    """
    found, _ = await think(call, timeout_ms, datalog.infer_facts, facts, rules, query, max_derived)
    return InferenceResult(
        derived=found.derived,
        iterations=found.iterations,
        fixpoint=found.fixpoint,
        strata=found.strata,
        **given(bindings=found.bindings, proofs=found.proofs if explain else None, reason=found.reason),
    )


@server.tool(examples=EXAMPLES["solve_constraints"])
async def solve_constraints(
    call: Call[None],
    variables: Annotated[dict[VariableName, VariableInput], Field(min_length=1, max_length=100)],
    constraints: Annotated[
        list[FormulaText],
        Field(max_length=500, description="+ - * / %, comparisons, and or not ->, distinct(), sum(), abs(), if(c,a,b)"),
    ],
    objective: ObjectiveInput | None = None,
    max_solutions: Annotated[int, Field(ge=1, le=50)] = 1,
    timeout_ms: TimeoutMs = 2000,
) -> SolutionResult:
    """Find values that satisfy all constraints, optionally the best; if there are none, name constraints that clash.

    Use it for scheduling, assignment, puzzles, configurations: bounded ints, bools and enums. `/` and `%` are whole
    with 0 <= a % b. For statements without numbers take check_consistency. Example: maximize 3*a + 4*b under
    2*a + 3*b <= 12, a in 0..4 → a 3, b 2, objective_value 17.
    """
    domains = read_domains(variables)
    aim = Objective(objective.sense, objective.expression) if objective else None
    found, _ = await prove(call, timeout_ms, solve, domains, constraints, aim, max_solutions)
    return SolutionResult(
        status=found.status,
        solutions=found.solutions,
        more_solutions="unknown" if found.more is None else found.more,
        **given(objective_value=found.objective_value, conflict=found.conflict, reason=found.reason),
    )


@server.tool(examples=EXAMPLES["evaluate_arguments"])
async def evaluate_arguments(
    call: Call[None],
    arguments: Annotated[list[Identifier], Field(min_length=1, max_length=60)],
    attacks: Annotated[
        list[Annotated[list[Identifier], Field(min_length=2, max_length=2)]],
        Field(max_length=3600, description="[from, to]"),
    ],
    semantics: Annotated[
        argumentation.Semantics,
        Field(description="grounded: the cautious one · preferred: maximal · stable: attacks all else · complete: all"),
    ] = "grounded",
    max_extensions: Annotated[int, Field(ge=1, le=200)] = 50,
    timeout_ms: TimeoutMs = 2000,
) -> ArgumentResult:
    """Decide which arguments stand when some attack others (Dung's abstract argumentation).

    Use it to weigh objections, rebuttals and conflicting claims by structure alone. What an argument says is not
    looked at: to check its logic take check_entailment or reasoning_chain_analysis. Example: a attacks b, b attacks
    c → a and c are accepted, b is rejected.
    """
    check_distinct(arguments, "/arguments/{}")
    edges = read_attacks(arguments, attacks)
    evaluate = argumentation.evaluate_arguments
    found, _ = await prove(call, timeout_ms, evaluate, len(arguments), edges, semantics, max_extensions)
    named = {field: getattr(found, field) for field in ("credulous", "skeptical")}
    return ArgumentResult(
        extensions=[[arguments[i] for i in extension] for extension in found.extensions],
        status=dict(zip(arguments, found.status, strict=True)) if found.status is not None else None,
        complete=found.complete,
        **{field: [arguments[i] for i in ids] if ids is not None else None for field, ids in named.items()},
        **given(reason=found.reason),
    )


@server.tool(examples=EXAMPLES["query_bayesian_network"])
async def query_bayesian_network(
    call: Call[None],
    nodes: Annotated[list[NodeInput], Field(min_length=1, max_length=60)],
    query: Annotated[list[Identifier], Field(max_length=60, description="nodes whose probabilities are wanted")],
    evidence: Annotated[dict[Identifier, Identifier], Field(max_length=60, description="{node: state}")],
    most_probable_explanation: Annotated[bool, Field(description="also the likeliest state of all nodes")] = False,
    timeout_ms: Annotated[int, Field(ge=100, le=10_000, description="then deadline_exceeded")] = 2000,
) -> PosteriorResult:
    """Compute exact probabilities in a discrete Bayesian network, given what was observed.

    Use it when dependencies and their probabilities are known. Without probabilities take explain_observation; to
    pool separate sources' beliefs take combine_evidence. Example: rain at 0.2, grass wet with 0.9 if it rains and 0.1
    if not; wet observed → P(rain) 0.692308.
    """
    network = await call.run(bayes.Network, read_nodes(nodes))
    ask = bayes.query_network
    found, _ = await think(call, timeout_ms, ask, network, query, evidence, most_probable_explanation)
    return PosteriorResult(
        posteriors=found.posteriors,
        evidence_probability=found.evidence_probability,
        elimination_order=found.elimination_order,
        **given(mpe=found.mpe),
    )


@server.resource("reasoning://formula-grammar", description="The notations of all tools: grammars, operators, limits")
async def formula_grammar() -> dict[str, Any]:
    """The grammars that the parsers are built from."""
    return formula_guide(MAX_FORMULAS)


@server.resource("reasoning://examples/{tool}", description="Arguments that work as they stand, for one tool")
async def tool_examples(tool: str) -> dict[str, Any]:
    """The examples of one tool."""
    if tool not in server.tools:
        raise NotFoundError(f"no tool is named {tool[:100]!r}; there are: {', '.join(server.tools)}")
    return {"tool": tool, "examples": list(server.tools[tool].examples)}


@server.resource("reasoning://metrics", description="Calls by tool and outcome, and the solver with its bound")
async def reasoning_metrics(call: Call[None]) -> dict[str, Any]:
    """What this process has done so far."""
    return live_metrics(call.runtime.metrics.registry.collect(), list(server.tools))


@server.prompt(description="Choose the tool that decides a problem, and use it well")
async def reasoning_advisor(problem: Annotated[str, Field(description="the problem in your words")]) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return advisor_message(problem)


@server.prompt(description="Put an argument into formulas and have it checked")
async def formalize_argument(text: Annotated[str, Field(description="the argument in plain language")]) -> str:
    """Words for a model that name the tools to call; nothing is run here."""
    return formalize_message(text)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: object
) -> Completion | None:
    """The tools that begin with what was typed."""
    if not isinstance(ref, ResourceTemplateReference) or argument.name != "tool":
        return None
    return Completion(values=[name for name in server.tools if name.startswith(argument.value.casefold())])


if __name__ == "__main__":
    run(server)
