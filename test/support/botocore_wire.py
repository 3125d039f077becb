"""botocore as the other side of the wire, without HTTP: what it would send for every operation, and whether it understands
what we would answer. `requests` prints a JSON line per operation and protocol; `responses` reads our answers from
standard input and prints a line per answer that it reads otherwise than expected.

Values are made from the model by one rule (`sample`), the same on both sides: see test/wire/protocol-botocore.test.ts.
"""
import base64
import datetime
import json
import sys

import botocore.session
from botocore import parsers, serialize

TEXT = "a&<\u00e9 +%/'\""
SECONDS = 1_700_000_000


def sample(shape, place, stack=()):
    """`place`: body, header or uri. None: the shape contains itself."""
    if shape.name in stack or len(stack) > 12:
        return None
    kind = shape.type_name
    inner = stack + (shape.name,)
    if kind == "structure":
        if getattr(shape, "is_eventstream", False) or shape.metadata.get("eventstream"):
            return None
        if shape.is_document_type:
            return {"doc": [1, "a"]}
        out = {}
        for name, member in shape.members.items():
            at = {"header": "header", "headers": "header", "uri": "uri", "querystring": "uri"}.get(member.serialization.get("location"), place)
            if member.serialization.get("location") == "statusCode":
                out[name] = 202
                continue
            value = sample(member, at, inner)
            if value is not None:
                out[name] = value
            if shape.is_tagged_union and out:
                break
        return out
    if kind == "list":
        value = sample(shape.member, place, inner)
        return None if value is None else [value, value]
    if kind == "map":
        value = sample(shape.value, place, inner)
        return None if value is None else {(shape.key.enum or ["k-1"])[0]: value}
    if kind in ("integer", "long"):
        return 7
    if kind in ("float", "double"):
        return 1.5
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return {"$t": SECONDS}
    if kind == "blob":
        return {"$b": "AP9ieXRlcw=="}
    if shape.enum:
        return shape.enum[0]
    return "plain" if place == "header" else TEXT


def revive(value):
    if isinstance(value, dict):
        if set(value) == {"$t"}:
            return datetime.datetime.fromtimestamp(value["$t"], datetime.timezone.utc)
        if set(value) == {"$b"}:
            return base64.b64decode(value["$b"])
        return {key: revive(item) for key, item in value.items()}
    return [revive(item) for item in value] if isinstance(value, list) else value


def plain(value):
    if isinstance(value, datetime.datetime):
        return {"$t": value.timestamp()}
    if isinstance(value, (bytes, bytearray)):
        return {"$b": base64.b64encode(value).decode()}
    if hasattr(value, "read"):
        return plain(value.read())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def cases():
    session = botocore.session.get_session()
    extra = {"sqs": ["json"], "cloudwatch": ["smithy-rpc-v2-cbor", "json", "query"]}
    for service in sys.argv[2].split(","):
        model = session.get_service_model(service)
        for protocol in extra.get(service, [model.metadata["protocol"]]):
            for name in model.operation_names:
                yield service, protocol, model, model.operation_model(name)


def requests():
    for service, protocol, model, operation in cases():
        params = {} if operation.input_shape is None else sample(operation.input_shape, "body")
        # What describes the body must be true of it, and a bucket is part of the path.
        described = ("ContentMD5", "ContentLength", "assetSHA256")
        if operation.has_streaming_input or service == "s3":
            params = {name: value for name, value in params.items() if not name.startswith("Checksum") and name not in described}
        if service == "s3" and "Bucket" in params:
            params["Bucket"] = "bucket"
        made = serialize.create_serializer(protocol, False).serialize_to_request(revive(params), operation)
        body = made["body"]
        if isinstance(body, dict):
            from urllib.parse import urlencode

            body = urlencode(body, doseq=True)
        if isinstance(body, str):
            body = body.encode()
        query = made["query_string"]
        url = made["url_path"]
        if query:
            from botocore.awsrequest import prepare_request_dict
            from botocore.compat import urlsplit

            prepare_request_dict(made, "http://localhost")
            split = urlsplit(made["url"])
            url = split.path + "?" + split.query
        print(json.dumps({
            "service": service, "protocol": protocol, "operation": operation.name, "input": params, "method": made["method"],
            "url": url, "headers": {k.lower(): v if isinstance(v, str) else v.decode() for k, v in made["headers"].items()},
            "signingName": model.signing_name, "body": base64.b64encode(body or b"").decode(),
        }))


def responses():
    session = botocore.session.get_session()
    models = {}
    for line in sys.stdin:
        answer = json.loads(line)
        service = answer["service"]
        model = models.setdefault(service, session.get_service_model(service))
        operation = model.operation_model(answer["operation"])
        shape = operation.output_shape
        wanted = None if shape is None else sample(shape, "body")
        body = base64.b64decode(answer["body"])
        from botocore.awsrequest import HeadersDict

        response = {"status_code": answer["statusCode"], "headers": HeadersDict(answer["headers"]), "body": body}
        if shape is not None and operation.has_streaming_output:
            import io

            response["body"] = io.BytesIO(body)
        try:
            found = plain(parsers.create_parser(answer["protocol"]).parse(response, shape))
        except Exception as error:  # noqa: BLE001
            print(json.dumps({**answer, "error": repr(error)}))
            continue
        found.pop("ResponseMetadata", None)
        if wanted is not None and found != wanted:
            print(json.dumps({"service": service, "protocol": answer["protocol"], "operation": operation.name, "wanted": wanted, "found": found, "text": body.decode("utf-8", "replace")}))


{"requests": requests, "responses": responses}[sys.argv[1]]()
