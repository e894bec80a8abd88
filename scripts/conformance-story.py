"""The story of a session, told through a client that openapi-python-client generated: start, list, describe, players,
logs, stop, artifact, and the errors a caller meets on the way. Usage: conformance-story.py story URL NAME

conformance-story.py prepare URL makes three sessions ready. match-0 has ended; match-1 and match-2 run until they are
stopped. The examples of the sandbox's own description name the first two."""

import io
import json
import sys
import tarfile
import time
import urllib.error
import urllib.request

TOKEN = "conformance"


def prepare(url):
    def ask(method, path, body=None):
        request = urllib.request.Request(url + path, method=method, data=body and json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    for name in ("match-0", "match-1", "match-2"):
        ask("POST", f"/_sandbox/sessions/{name}/remove")
        body = {"id": name, "location": "europe", "image": "arena", "args": ["--stay"], "labels": {"mode": "duel"}}
        if ask("POST", "/session", body) != 201:
            sys.exit(f"conformance: {name} did not start")
    ask("DELETE", "/session/match-0")
    for _ in range(200):
        if ask("GET", "/artifacts?session=match-0&path=/game/Saved") == 200:
            return
        time.sleep(0.05)
    sys.exit("conformance: match-0 does not end")


def story(url, name):
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
    from gameye.models import JoinSession, LeaveSession, SessionRun, SessionRunLabels

    client = AuthenticatedClient(base_url=url, token=TOKEN)
    reader = AuthenticatedClient(base_url=url, token="reader")
    stranger = AuthenticatedClient(base_url=url, token="stranger")
    steps = 0

    def expect(what, condition, seen=""):
        nonlocal steps
        steps += 1
        if not condition:
            sys.exit(f"conformance: {what}: not as described {seen}")

    def listed(**query):
        return {entry.id: entry for entry in session_list.sync(client=client, **query).sessions}

    def refused(answer, status):
        return int(answer.status_code) == status and json.loads(answer.content)["identifier"]

    session = f"story/{name}"
    labels = SessionRunLabels.from_dict({"map": "Harbour"})
    body = SessionRun(location="europe", image="nginx", id=session, labels=labels, args=["--players=8"], ttl="5m")

    places = get_available_locations.sync("nginx", client=client)
    names = [place.id for place in places.locations]
    expect("locations", names == ["europe", "us-east", "frankfurt", "paris"], names)
    expect("tag", tag_exists.sync("europe", "nginx", "latest", client=client).exists is True)
    expect("no tag", tag_exists.sync("europe", "nginx", "9.9", client=client).exists is False)

    started = session_run.sync_detailed(client=client, body=body)
    expect("start", int(started.status_code) == 201 and started.parsed.id == session)
    expect("ports", all(20000 <= port.host <= 30000 for port in started.parsed.ports) and started.parsed.ports)
    expect("start twice", refused(session_run.sync_detailed(client=client, body=body), 409))
    nowhere = SessionRun(location="moon", image="nginx")
    expect("start nowhere", refused(session_run.sync_detailed(client=client, body=nowhere), 404))
    expect("start without the scope", refused(session_run.sync_detailed(client=reader, body=body), 403))
    expect("list without a token", refused(session_list.sync_detailed(client=stranger), 401))

    entry = listed()[session]
    expect("list", entry.image == "nginx" and entry.status.value == "running")
    expect("location", entry.location in ("frankfurt", "paris"), entry.location)
    expect("created", abs(entry.created / 1000 - time.time()) < 60)
    expect("labels", entry.labels["tags"] == '{"map":"Harbour"}' and session in entry.labels["env"])
    expect("list here", session in listed(location="europe") and session in listed(location=entry.location))
    expect("list elsewhere", session not in listed(location="us-east"))
    described = describe_session.sync(session, client=client)
    expect("describe", described.tag == "latest" and described.status.value == "running")
    expect("describe nothing", refused(describe_session.sync_detailed("none", client=client), 404))

    joined = join_session.sync(client=client, body=JoinSession(session=session, players=["ann", "bob"]))
    expect("join", joined.count == 2)
    expect("players", describe_session.sync(session, client=client).players.joined == ["ann", "bob"])
    expect("leave", leave_session.sync(client=client, body=LeaveSession(players=["ann"])).count == 1)
    leave_session.sync(client=client, body=LeaveSession(players=["bob"]))

    early = artifacts.sync_detailed(client=client, session=session, path="/game/Saved")
    expect("artifact too early", int(early.status_code) == 404)
    with client.get_httpx_client().stream("GET", "/logs", params={"id": session, "follow": "true"}) as stream:
        lines = []
        for line in stream.iter_lines():
            lines.append(line)
            if len(lines) == 5:
                stopped = session_stop.sync_detailed(session, client=client)
                expect("stop", int(stopped.status_code) == 204)
    expect("followed log", lines == [f"line {n} of {session}" for n in range(1, 6)] + ["leaving"], lines)
    expect("stop twice", int(session_stop.sync_detailed(session, client=client).status_code) == 409)
    whole = stream_logs.sync_detailed(client=client, id=session)
    expect("whole log", whole.content.decode().splitlines() == lines)

    expect("no longer listed", session not in listed())
    expect("listed with all", listed(all_=True)[session].status.value == "exited")
    archive = artifacts.sync_detailed(client=client, session=session, path="/game/Saved")
    expect("artifact", int(archive.status_code) == 200 and archive.headers["content-type"] == "application/x-tar")
    with tarfile.open(fileobj=io.BytesIO(archive.content), mode="r:gz") as tar:
        expect("entries", tar.getnames() == ["Saved", "Saved/Logs", "Saved/Logs/Game.log"])
        expect("content", tar.extractfile("Saved/Logs/Game.log").read().decode().splitlines() == lines[:5])
    absent = artifacts.sync_detailed(client=client, session=session, path="/game/Nothing")
    expect("absent path", refused(absent, 404))
    print(f"conformance: {steps} steps of the story went as described")


if sys.argv[1] == "prepare":
    prepare(sys.argv[2])
else:
    story(*sys.argv[2:])
