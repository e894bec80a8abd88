"""The story of a session, told through a client that openapi-python-client generated: start, list, describe, players,
logs, stop, artifact, and the errors a caller meets on the way. Usage: conformance-story.py URL"""

import io
import sys
import tarfile
import time

from gameye import AuthenticatedClient
from gameye.api.default import (
    artifacts,
    describe_session,
    get_available_locations,
    join_session,
    leave_session,
    session_list,
    session_run,
    session_stop,
    stream_logs,
    tag_exists,
)
from gameye.models import ErrorResponse, JoinSession, LeaveSession, SessionRun, SessionRunLabels

client = AuthenticatedClient(base_url=sys.argv[1], token="conformance")
reader = AuthenticatedClient(base_url=sys.argv[1], token="reader")
stranger = AuthenticatedClient(base_url=sys.argv[1], token="stranger")
steps = 0


def expect(what, condition, seen=""):
    global steps
    steps += 1
    if not condition:
        sys.exit(f"conformance: {what}: not as described {seen}")


def listed(**query):
    return {entry.id: entry for entry in session_list.sync(client=client, **query).sessions}


def refused(answer, status):
    return int(answer.status_code) == status and isinstance(answer.parsed, ErrorResponse) and answer.parsed.identifier


labels = SessionRunLabels.from_dict({"map": "Harbour"})
body = SessionRun(location="europe", image="nginx", id="story/1", labels=labels, args=["--players=8"], ttl="5m")

places = get_available_locations.sync("nginx", client=client)
expect("locations", {place.id for place in places.locations} == {"europe", "frankfurt"})
expect("tag", tag_exists.sync("europe", "nginx", "latest", client=client).exists is True)
expect("no tag", tag_exists.sync("europe", "nginx", "9.9", client=client).exists is False)

started = session_run.sync_detailed(client=client, body=body)
expect("start", int(started.status_code) == 201 and started.parsed.id == "story/1")
expect("ports", all(20000 <= port.host <= 30000 for port in started.parsed.ports) and started.parsed.ports)
expect("start twice", refused(session_run.sync_detailed(client=client, body=body), 409))
nowhere = SessionRun(location="moon", image="nginx")
expect("start nowhere", refused(session_run.sync_detailed(client=client, body=nowhere), 404))
expect("start without the scope", refused(session_run.sync_detailed(client=reader, body=body), 403))
expect("list without a token", refused(session_list.sync_detailed(client=stranger), 401))

entry = listed()["story/1"]
expect("list", entry.image == "nginx" and entry.location == "europe" and entry.status.value == "running")
expect("created", abs(entry.created / 1000 - time.time()) < 60)
expect("labels", entry.labels["tags"] == '{"map":"Harbour"}' and "story/1" in entry.labels["env"])
expect("list elsewhere", "story/1" not in listed(location="frankfurt"))
described = describe_session.sync("story/1", client=client)
expect("describe", described.tag == "latest" and described.status.value == "running")
expect("describe nothing", refused(describe_session.sync_detailed("none", client=client), 404))

joined = join_session.sync(client=client, body=JoinSession(session="story/1", players=["ann", "bob"]))
expect("join", joined.count == 2)
expect("players", describe_session.sync("story/1", client=client).players.joined == ["ann", "bob"])
expect("leave", leave_session.sync(client=client, body=LeaveSession(players=["ann"])).count == 1)

expect("artifact too early", int(artifacts.sync_detailed(
    client=client, session="story/1", path="/game/Saved").status_code) == 404)
with client.get_httpx_client().stream("GET", "/logs", params={"id": "story/1", "follow": "true"}) as stream:
    lines = []
    for line in stream.iter_lines():
        lines.append(line)
        if len(lines) == 5:
            stopped = session_stop.sync_detailed("story/1", client=client)
            expect("stop", int(stopped.status_code) == 204)
expect("followed log", lines == [f"line {n} of story/1" for n in range(1, 6)] + ["leaving"], lines)
expect("stop twice", int(session_stop.sync_detailed("story/1", client=client).status_code) == 409)
whole = stream_logs.sync_detailed(client=client, id="story/1")
expect("whole log", whole.content.decode().splitlines() == lines)

expect("no longer listed", "story/1" not in listed())
expect("listed with all", listed(all_=True)["story/1"].status.value == "exited")
archive = artifacts.sync_detailed(client=client, session="story/1", path="/game/Saved")
expect("artifact", int(archive.status_code) == 200 and archive.headers["content-type"] == "application/x-tar")
with tarfile.open(fileobj=io.BytesIO(archive.content), mode="r:gz") as tar:
    expect("entries", tar.getnames() == ["Saved", "Saved/Logs", "Saved/Logs/Game.log"])
    expect("content", tar.extractfile("Saved/Logs/Game.log").read().decode().splitlines() == lines[:5])
absent = artifacts.sync_detailed(client=client, session="story/1", path="/game/Nothing")
expect("absent path", refused(absent, 404))
print(f"conformance: {steps} steps of the story went as described")
