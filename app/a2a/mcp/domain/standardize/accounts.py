"""Accounts of a ledger: their type by the usual terms, and what the accounting identity says of each type.

Assets and expenses are debit-normal; liabilities, equity and revenue are credit-normal.
"""

import re
from collections.abc import Mapping

_TERMS: Mapping[str, str] = {
    "asset": "asset|assets|cash|bank|accounts receivable|receivable|receivables|inventory|inventories|prepaid"
    "|prepaid rent|prepaid insurance|prepaid expense|prepaid expenses|equipment|land|buildings|machinery|vehicles"
    "|goodwill|patents|investments|accumulated depreciation",
    "liability": "liability|liabilities|accounts payable|payable|payables|loan|loans|loans payable|notes payable|debt"
    "|mortgage|bonds payable|accrued expenses|accrued liabilities|deferred revenue|unearned revenue|sales tax"
    "|sales tax payable|income tax payable|interest payable|wages payable|salaries payable|overdraft",
    "equity": "equity|owners equity|owner's equity|shareholders equity|shareholders' equity|stockholders' equity"
    "|capital|share capital|common stock|preferred stock|retained earnings|reserves",
    "revenue": "revenue|revenues|income|sales|sales revenue|service revenue|interest income|rental income"
    "|dividend income|fees earned|turnover",
    "expense": "expense|expenses|cost|costs|cost of sales|cost of goods sold|rent|rent expense|salaries|wages"
    "|salaries expense|depreciation|depreciation expense|amortization|utilities|insurance expense|interest expense"
    "|income tax expense|advertising|travel",
}
TYPES = tuple(_TERMS)
DEBIT_NORMAL = frozenset({"asset", "expense"})
BALANCE_SHEET = frozenset({"asset", "liability", "equity"})

_TYPE_OF = {term: account_type for account_type, terms in _TERMS.items() for term in terms.split("|")}
_LONGEST = max(len(term.split()) for term in _TYPE_OF)


def account_type(first_level: str | None, description: str | None) -> str | None:
    """The type that the first level of the path names, else the one the description's longest known term names.

    None where there is no known term, or where the longest ones disagree: nothing is guessed.
    """
    named = _TYPE_OF.get((first_level or "").casefold())
    if named:
        return named
    words = re.findall(r"[\w']+", f"{first_level or ''} {description or ''}".casefold())
    for length in range(_LONGEST, 0, -1):
        spans = (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))
        found = {_TYPE_OF[span] for span in spans if span in _TYPE_OF}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def account_facts(kind: str | None) -> dict[str, object]:
    """What follows from the type of an account; all null where the type is unknown."""
    return {
        "account_type": kind,
        "normal_balance": None if kind is None else "debit" if kind in DEBIT_NORMAL else "credit",
        "is_balance_sheet": None if kind is None else kind in BALANCE_SHEET,
        "is_income_statement": None if kind is None else kind not in BALANCE_SHEET,
    }
