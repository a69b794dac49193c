"""Streams over real processes: no event is lost or repeated though instances are killed; event streams resume."""

import http.client
import secrets
from pathlib import Path

from tests.servers.instances import Instance, key_of, running

CLIENT = "streamer"


def read_events(instance: Instance, uri: str, count: int, last: str = "") -> list[tuple[str, str]]:
    """(id, data) of the first events of a new stream."""
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
    headers = {"Authorization": f"Bearer {key_of(CLIENT)}"} | ({"Last-Event-ID": last} if last else {})
    connection.request("GET", f"/streams/events?uri={uri}", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/event-stream")
    events: list[tuple[str, str]] = []
    event_id = ""
    while len(events) < count:
        line = answer.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            event_id = line[4:]
        elif line.startswith("data: "):
            events.append((event_id, line[6:]))
    connection.close()
    return events


def test_readers_see_every_event_in_order_though_instances_are_killed(tmp_path: Path, redis_url: str) -> None:
    uri = f"stream://{CLIENT}/{secrets.token_hex(6)}"
    instances = [Instance("resource_streaming", tmp_path, redis_url, CLIENT) for _ in range(2)]
    first, second = instances
    with running(*instances):
        for number in range(20):
            first.call(key_of(CLIENT), "publish_resource", uri=uri, content=number)
        page = second.call(key_of(CLIENT), "read_resource_stream", uris=[uri], limit=7)
        seen = [event["content"] for event in page["events"]]
        first.kill()
        for number in range(20, 40):
            second.call(key_of(CLIENT), "publish_resource", uri=uri, content=number)
        first.start()
        first.await_ready()
        while page["has_more"]:
            after = page["next_after"]
            page = first.call(key_of(CLIENT), "read_resource_stream", uris=[uri], after=after, limit=7)
            seen += [event["content"] for event in page["events"]]
        assert seen == list(range(40))
        streamed = read_events(first, uri, 10)
        streamed += read_events(second, uri, 30, streamed[-1][0])
        assert len({event_id for event_id, _ in streamed}) == 40
        assert [f'"content": {n},' in data for n, (_, data) in enumerate(streamed)] == [True] * 40
        assert second.get(f"/streams/events?uri=stream://other/{uri[-4:]}", key_of(CLIENT)) == 404
        assert second.get(f"/streams/events?uri={uri}", "") == 401
