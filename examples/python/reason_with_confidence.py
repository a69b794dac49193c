"""Check a chain of reasoning step by step, and say how sure one may be of its answer.

    python reason_with_confidence.py [CHAIN.json]

A step is a sentence for people (`says`) and a formula for the prover (`premises`, `conclusion`), as data/incident.json
shows.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from fleet import Fleet, FleetError, Service, arguments_of, run

Chain = dict[str, Any]


async def main(fleet: Fleet, options: argparse.Namespace) -> None:
    """Prove, then judge."""
    chain = read_chain(options.chain)
    async with fleet.service("reasoning_agent") as reasoning, fleet.service("confidence_calculator") as confidence:
        analysis = await reasoning("reasoning_chain_analysis", reasoning_steps=formal_steps(chain))
        show_analysis(chain, analysis)
        await judge(confidence, chain, analysis)


def read_chain(path: Path) -> Chain:
    """The question, the answer and the steps. Raises FleetError where the file does not hold them."""
    try:
        chain: Chain = json.loads(path.read_text(encoding="utf-8"))
        missing = [name for name in ("question", "answer", "steps") if not chain.get(name)]
        unnamed = [n for n, step in enumerate(chain.get("steps", ())) if not {"says", "conclusion"} <= step.keys()]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FleetError(f"{path} is no chain of reasoning in JSON: {error}") from None
    if missing or unnamed:
        lacks = ", ".join([*missing, *(f"says or conclusion of step {n}" for n in unnamed)])
        raise FleetError(f"{path} lacks {lacks}")
    return chain


def formal_steps(chain: Chain) -> list[dict[str, Any]]:
    """The steps as the prover takes them: without the sentences."""
    return [{**{k: v for k, v in step.items() if k != "says"}, "notation": "formula"} for step in chain["steps"]]


def show_analysis(chain: Chain, analysis: Any) -> None:
    """Each step with what the prover thinks of it."""
    print(f"? {chain['question']}\n  {chain['answer']}\n")
    issues = {issue["step"]: issue for issue in analysis["logic_validation"]["issues"]}
    for number, step in enumerate(chain["steps"]):
        verdict = "given " if step.get("type") in ("observation", "assumption") else "proved"
        print(f"  {number}. {verdict if number not in issues else 'FAILS '}  {step['says']}")
        if number in issues:
            print(f"             {issues[number]['code']}: {issues[number]['detail']}")
    for gap in analysis["identified_gaps"]:
        print(f"  gap at {gap['step']}: {gap['type']}, {gap['description']}")
    strength = analysis["chain_strength"]
    if strength["product"] is not None:
        print(f"\n  If its steps are independent, the chain holds with {strength['product']:.3f}; ", end="")
        print(f"whatever their dependence, with {strength['lower_bound']:.3f} at least.")


async def judge(confidence: Service, chain: Chain, analysis: Any) -> None:
    """One confidence from evidence, logic, wording and record, lowered for what the analysis found weak."""
    verified = analysis["steps_verified"]
    failed = verified["refuted"] + verified["unknown"]
    inferred = verified["entailed"] + failed
    context = {"question": chain["question"], "answer": chain["answer"], "reasoning_chain": formal_steps(chain)}
    optional = {"evidence": chain.get("evidence"), "historical_data": chain.get("track_record")}
    context |= {name: value for name, value in optional.items() if value}
    # The calculator looks at a chain's form alone; the prover knows which of its steps follow.
    proved = {"logical_consistency": verified["entailed"] / inferred} if inferred else {}
    found = await confidence("calculate_reasoning_confidence", reasoning_context=context, factors=proved)
    print("\n  Confidence by factor:")
    for name, factor in found["factor_breakdown"].items():
        value = f"{factor['value']:.3f}" if factor["assessed"] else "  -  "
        print(f"    {name:<20} {value}  weight {factor['weight']:.2f}")
    gaps = {gap["type"] for gap in analysis["identified_gaps"]}
    weak = ["weak_inference"] if failed or analysis["cycles"] else []
    weak += ["missing_evidence"] if "missing_evidence" in gaps else []
    final = await confidence(
        "adjust_confidence_for_uncertainty", base_confidence=found["confidence"], uncertainty_factors=weak
    )
    print(f"\n  Confidence {final['adjusted_confidence']:.3f}", end="")
    print(f", lowered from {found['confidence']:.3f} for {' and '.join(weak)}" if weak else "")


if __name__ == "__main__":
    cli = arguments_of("Check a chain of reasoning step by step and say how sure one may be of its answer.")
    incident = Path(__file__).parent.with_name("data") / "incident.json"
    cli.add_argument("chain", nargs="?", type=Path, default=incident, help="JSON file (default: the sample)")
    run(cli, main)
