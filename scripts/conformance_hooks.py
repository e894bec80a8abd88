"""What schemathesis is told beside a description. CONFORMANCE_DOCUMENT is the description's file, CONFORMANCE_ACCEPTED a
file that gets a line for each failure that is accepted."""

import os
import pathlib
import re

import schemathesis

OWN = pathlib.Path(os.environ["CONFORMANCE_DOCUMENT"]).name == "sandbox.json"


def mutated(case):
    """The parameters that were made wrong; empty for a request that is right."""
    data = case.meta.phase.data if case.meta is not None else None
    names = {mutation.parameter for mutation in getattr(data, "mutations", None) or []}
    names.add(getattr(data, "parameter", None))
    return names - {None}


def is_right(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def filter_case(context, case):
    # In a query all values are text: a text or a list of texts cannot be of a wrong type there.
    texts = {"filter", "filterNot", "filter[]", "filterNot[]"}
    return is_right(case) or not mutated(case) or not mutated(case) <= texts


if not OWN:
    # The API's documents say in prose, and not in their schemas, what these texts look like. What the prose calls wrong is
    # no right request.
    @schemathesis.hook
    def before_call(context, case, kwargs):
        if not is_right(case):
            return
        if isinstance(case.body, dict):
            ttl = case.body.get("ttl")
            if isinstance(ttl, str) and not re.fullmatch(r"([0-9]+(\.[0-9]+)?[hm])+", ttl):
                case.body["ttl"] = "2h30m"
            # No process can be given such names: the prose calls them environment variables.
            env = case.body.get("env")
            if isinstance(env, dict):
                case.body["env"] = {name: value for name, value in env.items() if name and "=" not in name}
        if isinstance(case.query, dict) and isinstance(case.query.get("playerCount"), dict):
            bounds = case.query["playerCount"]
            case.query["playerCount"] = {key: bounds[key] for key in bounds if key in ("lt", "gt")}


# The API's documents list no status for a request that they do not allow, at these operations: whatever a server answers
# contradicts them. The sandbox answers 422.
UNLISTED = {"session-list", "stream-logs"}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    operation = case.operation.definition.raw.get("operationId")
    if (
        not OWN
        and type(failure).__name__ == "UndefinedStatusCode"
        and response.status_code == 422
        and operation in UNLISTED
        and not is_right(case)
    ):
        with open(os.environ["CONFORMANCE_ACCEPTED"], "a") as file:
            name = pathlib.Path(os.environ["CONFORMANCE_DOCUMENT"]).name
            file.write(f"{name}: {operation} answers a wrong query with 422, which is not listed\n")
        return False
    return True
