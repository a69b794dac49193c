"""Clean a messy customer file: recognise columns, standardize, validate, remove duplicates, and say what is left.

    python standardize_customers.py [customers.csv] [--clean FILE.csv] [--report FILE.md]

Nothing is guessed. A value with two readings, or with none, is left out of the clean file and listed in the report.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from customer_columns import CLEAN, CONVENTIONS, GIVEN, MATCH_BY, RULES, SCHEMA, Record
from customer_report import Finding, Outcome, write_report
from fleet import Fleet, FleetError, Service, arguments_of, run

MOST_ROWS = 1000


async def main(fleet: Fleet, options: argparse.Namespace) -> None:
    """The whole way from the file as it came to the clean one."""
    rows = read_rows(options.file)
    async with fleet.service("data_standardization") as tools:
        columns = await recognise_columns(tools, list(rows[0]))
        raw = [{name: row[heading] for heading, name in columns.items()} for row in rows]
        outcome = Outcome(options.file, columns, len(rows))
        records = await standardize(tools, raw, outcome)
        await check(tools, records, outcome)
        kept = await remove_duplicates(tools, records, outcome)
        outcome.before, outcome.after = await quality(tools, raw), await quality(tools, kept)
    write_rows(options.clean, kept)
    write_report(options.report, outcome)
    print(outcome.summary())
    print(f"Clean rows: {options.clean}\nWhat a person should look at: {options.report}")


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a heading. Raises FleetError where there are none to work on."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FleetError(f"{path} cannot be read as CSV in UTF-8: {error}") from None
    if not 2 <= len(rows) <= MOST_ROWS:
        raise FleetError(f"{path} has {len(rows)} rows; this program takes 2 to {MOST_ROWS}")
    return rows


async def recognise_columns(tools: Service, headings: list[str]) -> dict[str, str]:
    """Which of the file's headings is which of our fields, by name and by meaning."""
    named = [("customer", GIVEN), ("file", headings)]
    schemas = [{"name": name, "fields": {field: {"type": "string"} for field in fields}} for name, fields in named]
    found = await tools("harmonize_schemas", source_schemas=schemas, use_semantics=True, min_score=0.6)
    pairs = {m["source_field"]: m["target_field"] for m in found["mappings"] if m["schema"] == "file"}
    columns = {heading: field for heading, field in pairs.items() if field in GIVEN}
    if missing := [field for field in GIVEN if field not in columns.values()]:
        raise FleetError(f"no column of the file looks like {', '.join(missing)}; it has {', '.join(headings)}")
    return columns


async def standardize(tools: Service, raw: list[Record], outcome: Outcome) -> list[Record]:
    """Every record in canonical form. What a date or a number means depends on its country, so that comes first."""
    places = await tools("standardize_locations", values=[r["country"] for r in raw], languages=["en", "de", "fr"])
    countries = [place["details"]["iso2"] if place["status"] == "ok" else None for place in places["results"]]
    for row, place in enumerate(places["results"]):
        if place["status"] != "ok":
            outcome.findings.append(Finding(row, "country", place["input"], reason_of(place)))
    rows_by_country: dict[str | None, list[int]] = defaultdict(list)
    for row, country in enumerate(countries):
        rows_by_country[country].append(row)
    records: list[Record] = [{} for _ in raw]
    for country, rows in rows_by_country.items():
        await standardize_country(tools, country, rows, raw, records, outcome)
    return records


async def standardize_country(
    tools: Service, country: str | None, rows: list[int], raw: list[Record], records: list[Record], outcome: Outcome
) -> None:
    """The rows of one country, by its conventions; of a country unknown, only what needs none."""
    locale, order, currency = CONVENTIONS.get(country or "", (None, None, None))
    date = {"type": "date", "kind": "date", **({"order": order, "locale": locale} if locale else {})}
    rules = {
        "name": {"type": "text", "repair_mojibake": True},
        "phone": {"type": "phone", **({"default_region": country} if country else {})},
        "email": {"type": "email", "lowercase_local_part": True},
        "customer_since": date,
        "last_order": date,
        "weight": {"type": "unit", "target_unit": "kg"},
    }
    items = [{field: raw[row][field] for field in rules} for row in rows]
    given = {"field_rules": rules, "on_error": "null"}
    answer = await tools("standardize_data", data_type="record", items=items, options=given)
    for row, result in zip(rows, answer["results"], strict=True):
        records[row] = dict.fromkeys(CLEAN) | result["standardized"] | {"country": country}
        records[row]["weight"] = float(records[row]["weight"]) if records[row]["weight"] else None
        for issue in result["issues"]:
            outcome.findings.append(Finding(row, issue["field"], raw[row][issue["field"]], issue["reason"]))
    filled = [row for row in rows if raw[row]["balance"].strip()]
    if locale and filled:
        await standardize_balances(tools, (locale, currency), filled, raw, records, outcome)
    elif not locale:
        reason = "without its country, its marks have no sure meaning"
        outcome.findings += [Finding(row, "balance", raw[row]["balance"], reason) for row in filled]


async def standardize_balances(
    tools: Service,
    money: tuple[str, str | None],
    rows: list[int],
    raw: list[Record],
    records: list[Record],
    outcome: Outcome,
) -> None:
    """Amounts as exact decimals with their currency."""
    locale, currency = money
    values = [raw[row]["balance"] for row in rows]
    asked = {"locale": locale, "default_currency": currency, "rounding": "half_even"}
    answer = await tools("standardize_amounts", values=values, **asked)
    for row, result in zip(rows, answer["results"], strict=True):
        if result["status"] == "ok":
            records[row] |= {"balance": result["value"], "currency": result["details"]["currency"]}
        else:
            outcome.findings.append(Finding(row, "balance", result["input"], reason_of(result)))


def reason_of(result: Record) -> str:
    """Why a value was not taken, with the readings it may have."""
    candidates = ", ".join(result.get("candidates", ()))
    return f"{result.get('reason', result['status'])}{': ' if candidates else ''}{candidates}"


async def check(tools: Service, records: list[Record], outcome: Outcome) -> None:
    """What the schema and the cross-field rules still find; a value already reported is null and not judged again."""
    present = [{field: value for field, value in record.items() if value is not None} for record in records]
    answer = await tools("validate_standardization", standardized_items=present, schema=SCHEMA, rules=RULES)
    for error in answer["errors"]:
        _, row, *field = error["path"].split("/")
        name = field[0] if field else error.get("rule_id") or "record"
        shown = records[int(row)].get(name, "") if field else ""
        outcome.findings.append(Finding(int(row), name, shown, error["message"]))


async def remove_duplicates(tools: Service, records: list[Record], outcome: Outcome) -> list[Record]:
    """One record a customer: the most complete one, its gaps filled from the others."""
    answer = await tools("deduplicate_records", records=records, fields=MATCH_BY, threshold=0.9)
    gone: set[int] = set()
    for cluster in answer["clusters"]:
        kept = cluster["representative"]
        others = [row for row in cluster["members"] if row != kept]
        for other in others:
            records[kept] |= {k: v for k, v in records[other].items() if records[kept].get(k) is None}
        outcome.duplicates.append((kept, others, str(records[kept]["name"])))
        gone.update(others)
    return [record for row, record in enumerate(records) if row not in gone]


async def quality(tools: Service, dataset: list[Record]) -> Record:
    """Completeness, validity, uniqueness and consistency, each counted, and their weighted mean."""
    dimensions = ["completeness", "validity", "uniqueness", "consistency"]
    asked = {"schema": SCHEMA, "required_fields": GIVEN, "key_fields": ["email", "phone", "name"], "rules": RULES}
    answer: Record = await tools("assess_data_quality", dataset=dataset, quality_dimensions=dimensions, **asked)
    return answer


def write_rows(path: Path, records: list[Record]) -> None:
    """The clean records as CSV; null is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CLEAN)
        writer.writeheader()
        writer.writerows(records)


if __name__ == "__main__":
    cli = arguments_of("Clean a messy customer file and report what a person must decide.")
    sample = Path(__file__).parent.with_name("data") / "customers.csv"
    cli.add_argument("file", nargs="?", type=Path, default=sample, help="CSV with a heading (default: the sample)")
    cli.add_argument("--clean", type=Path, default=Path("customers.clean.csv"), help="where the clean rows go")
    cli.add_argument("--report", type=Path, default=Path("customers.report.md"), help="where the report goes")
    run(cli, main)
