"""The six value tools through the official client: every catalogue example, the shared shape, and refusals."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from app.a2a.mcp.core import Server
from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.servers.data_standardization_values import TOOLS, declare_value_tools
from tests.servers.asking import Ask

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
async def ask(client_for: Connect) -> AsyncIterator[Ask]:
    service = load_registry().services[0].model_copy(update={"name": "values", "tools": len(TOOLS)})
    server: Server[None] = Server("values", service=service)
    declare_value_tools(server)
    async with client_for(server, permissions={"read"}) as client:
        yield Ask(client)


def values_of(answer: Any) -> list[str | None]:
    return [item["value"] for item in answer["results"]]


async def test_dates_of_the_catalogue(ask: Ask) -> None:
    found = await ask("standardize_dates", values=["2009-W01-1", "1981-095"])
    assert values_of(found) == ["2008-12-29", "1981-04-05"]
    assert values_of(await ask("standardize_dates", values=["03/04/2025"], order="DMY")) == ["2025-04-03"]
    found = await ask("standardize_dates", values=["03/04/2025", "2025-02-29", "2025-03"])
    assert found["results"] == [
        {
            "index": 0,
            "input": "03/04/2025",
            "status": "ambiguous",
            "value": None,
            "details": None,
            "candidates": ["2025-03-04", "2025-04-03"],
            "reason": "date_order",
        },
        {
            "index": 1,
            "input": "2025-02-29",
            "status": "invalid",
            "value": None,
            "details": None,
            "reason": "no_such_date",
        },
        {
            "index": 2,
            "input": "2025-03",
            "status": "ok",
            "value": "2025-03",
            "details": {"precision": "month", "calendar_form": "extended", "timezone": None},
        },
    ]
    assert found["summary"] == {"ok": 1, "ambiguous": 1, "invalid": 1}


async def test_amounts_of_the_catalogue(ask: Ask) -> None:
    (found,) = (await ask("standardize_amounts", values=["1.234,56 €"], locale="de_DE"))["results"]
    assert found["value"] == "1234.56"
    assert found["details"] == {"currency": "EUR", "exponent": 2, "minor_units": 123456, "negative_form": None}
    found = await ask("standardize_amounts", values=["(1,234.50)", "1,23"])
    assert values_of(found) == ["-1234.50", None]
    assert found["results"][1]["reason"].startswith("grouping")
    (found,) = (await ask("standardize_amounts", values=["¥1,235"], locale="ja_JP"))["results"]
    assert (found["details"]["currency"], found["details"]["exponent"], found["details"]["minor_units"]) == (
        "JPY",
        0,
        1235,
    )


async def test_units_of_the_catalogue(ask: Ask) -> None:
    found = await ask("standardize_units", values=["1 mile", "1 nautical_mile"], target_unit="m")
    assert values_of(found) == ["1609.344", "1852"]
    assert all(item["details"]["exact"] for item in found["results"])
    assert values_of(await ask("standardize_units", values=["1 lb"], target_unit="kg")) == ["0.45359237"]
    (found,) = (await ask("standardize_units", values=["100 degF"], target_unit="degC"))["results"]
    assert float(found["value"]) == pytest.approx(37 + 7 / 9)
    found = await ask("standardize_units", values=["1 m", {"value": 1, "unit": "lb"}], target_unit="kg")
    assert found["results"][0]["reason"] == "dimension mismatch length ≠ mass"
    assert found["results"][1]["input"] == {"value": 1, "unit": "lb"}


async def test_contact_points_of_the_catalogue(ask: Ask) -> None:
    found = await ask(
        "standardize_contact_points", values=["(650) 253-0000", "12345"], kind="phone", default_region="US"
    )
    assert values_of(found) == ["+16502530000", None]
    assert found["results"][0]["details"]["rfc3966"] == "tel:+1-650-253-0000"
    found = await ask("standardize_contact_points", values=["020 7946 0018"], kind="phone", default_region="GB")
    assert values_of(found) == ["+442079460018"]
    (found,) = (await ask("standardize_contact_points", values=["Jane.Doe@BÜCHER.de"], kind="email"))["results"]
    assert (found["value"], found["details"]["ascii_domain"]) == ("Jane.Doe@bücher.de", "xn--bcher-kva.de")
    found = await ask("standardize_contact_points", values=["eXAMPLE://a/./b/../b/%63/%7bfoo%7d"], kind="url")
    assert values_of(found) == ["example://a/b/c/%7Bfoo%7D"]


async def test_locations_of_the_catalogue(ask: Ask) -> None:
    (found,) = (await ask("standardize_locations", values=["Deutschland"], languages=["de"]))["results"]
    assert found["value"] == "DE"
    assert found["details"] == {
        "iso2": "DE",
        "iso3": "DEU",
        "numeric": "276",
        "name": "Germany",
        "subdivision": None,
        "subdivision_name": None,
        "region": "Europe",
        "subregion": "Western Europe",
    }
    found = await ask(
        "standardize_locations", values=[{"country": "Germany", "subdivision": "Bayern"}, "Korea", "Atlantis"]
    )
    assert values_of(found) == ["DE-BY", None, None]
    assert found["results"][1]["candidates"] == ["KP", "KR"]
    assert found["summary"] == {"ok": 1, "ambiguous": 1, "invalid": 1}


async def test_identifiers_of_the_catalogue(ask: Ask) -> None:
    found = await ask(
        "standardize_identifiers",
        values=["gb82 west 1234 5698 7654 32", "gb82 west 1234 5698 7654 33"],
        scheme="iban",
    )
    assert values_of(found) == ["GB82WEST12345698765432", None]
    assert found["results"][0]["details"]["formatted"] == "GB82 WEST 1234 5698 7654 32"
    assert found["results"][1]["reason"] == "check_digit"
    (found,) = (await ask("standardize_identifiers", values=["0-306-40615-2"], scheme="isbn"))["results"]
    assert (found["value"], found["details"]["formatted"]) == ("9780306406157", "978-0-306-40615-7")
    for scheme, value in (("lei", "213800KUD8LAJWSQ9D15"), ("isin", "US0378331005")):
        assert values_of(await ask("standardize_identifiers", values=[value], scheme=scheme)) == [value]


async def test_examples_of_every_tool_work_as_they_stand(ask: Ask) -> None:
    for function, examples in TOOLS:
        for example in examples:
            found = await ask(function.__name__, **example)
            assert found["summary"]["invalid"] == 0


async def test_tools_are_pure_and_describe_themselves(ask: Ask) -> None:
    tools = (await ask.client.list_tools()).tools
    assert [tool.name for tool in tools] == [function.__name__ for function, _ in TOOLS]
    for tool in tools:
        assert tool.annotations.read_only_hint is True
        assert tool.input_schema["additionalProperties"] is False
        assert "Example:" in tool.description
        assert len(tool.description) > 300


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [
        ("standardize_dates", {"values": ["x"], "default_timezone": "Mars/Base"}, "/default_timezone"),
        ("standardize_dates", {"values": [5]}, "/values/0"),
        ("standardize_dates", {"values": []}, "/values"),
        ("standardize_amounts", {"values": ["x"], "locale": "xx_YY"}, "/locale"),
        ("standardize_amounts", {"values": ["x"], "default_currency": "ABC"}, "/default_currency"),
        ("standardize_units", {"values": ["1 m"], "target_unit": "10**10**10"}, "/target_unit"),
        ("standardize_contact_points", {"values": ["1"], "kind": "phone", "default_region": "ZZ"}, "/default_region"),
        ("standardize_locations", {"values": ["DE"], "languages": ["xx"]}, "/languages"),
        ("standardize_identifiers", {"values": ["1"], "scheme": "iban", "country": "DE"}, "/country"),
    ],
)
async def test_bad_argument_is_refused_at_its_place(ask: Ask, tool: str, arguments: dict[str, Any], path: str) -> None:
    refused = await ask(tool, error=True, **arguments)
    assert refused["code"] == "invalid_argument"
    assert refused["details"][0]["path"] == path


async def test_too_many_values_are_over_the_limit(ask: Ask) -> None:
    refused = await ask("standardize_dates", error=True, values=["2025"] * 1001)
    assert refused["code"] == "limit_exceeded"


@pytest.mark.parametrize(
    ("tool", "value", "options"),
    [
        ("standardize_dates", "1" * 1000, {}),
        ("standardize_dates", "a, " * 333, {}),
        ("standardize_dates", "1 at" * 250, {}),
        ("standardize_amounts", "1,234" * 200, {}),
        ("standardize_amounts", "9" * 1000, {}),
        ("standardize_units", "1 m " * 250, {}),
        ("standardize_units", "1 " + "m/" * 45 + "s", {}),
        ("standardize_units", "1 " + "ton*" * 7 + "ton", {}),
        ("standardize_contact_points", "a." * 500, {"kind": "email"}),
        ("standardize_contact_points", "http://" + "a." * 490, {"kind": "url"}),
        ("standardize_contact_points", "http://" + "ü" * 990, {"kind": "url"}),
        ("standardize_contact_points", "http://" + "ü." * 490, {"kind": "url"}),
        ("standardize_contact_points", "+" + "1 " * 490, {"kind": "phone"}),
        ("standardize_locations", "korea " * 160, {"fuzzy": True, "min_score": 0.0}),
        ("standardize_identifiers", "1" * 1000, {"scheme": "vat"}),
        ("standardize_identifiers", "1" * 1000, {"scheme": "iban"}),
    ],
)
async def test_long_values_cost_little(ask: Ask, tool: str, value: str, options: dict[str, Any]) -> None:
    await ask(tool, values=[value[:1000]], **options)
    begin = time.process_time()
    await ask(tool, values=[value[: 1000 - index] for index in range(100)], **options)
    assert time.process_time() - begin < 2
