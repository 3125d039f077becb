"""Runs a Python function: speaks the Lambda Runtime API and calls the handler as AWS's own client does.

Standard library only, Python 3.8 and later. Source of behaviour: AWS Lambda Developer Guide, "Using the Lambda runtime
API for custom runtimes" and "Building Lambda functions with Python".
"""
import http.client
import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime"
HERE = os.path.abspath(__file__)


class RuntimeApi:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address)

    def call(self, method, path, body=None, headers=None):
        if self.connection.sock is None:
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.request(method, API + path, body, headers or {})
        response = self.connection.getresponse()
        return response.headers, response.read()

    def post(self, path, value, error_type=None):
        headers = {"Content-Type": "application/json"}
        if error_type is not None:
            headers["Lambda-Runtime-Function-Error-Type"] = error_type
        flush()
        self.call("POST", path, value.encode("utf-8"), headers)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


class FaultException(Exception):
    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


class ClientContext:
    def __init__(self, value):
        client = value.get("client") or {}
        self.client = type("Client", (), {name: client.get(name) for name in (
            "installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")})()
        self.custom = value.get("custom")
        self.env = value.get("env")


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        client_context = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self.identity = type("CognitoIdentity", (), {"cognito_identity_id": None, "cognito_identity_pool_id": None})()
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


class RequestFilter(logging.Filter):
    request_id = None

    def filter(self, record):
        record.aws_request_id = RequestFilter.request_id
        return True


class LineHandler(logging.Handler):
    def emit(self, record):
        # \r inside a record: the log side turns it back, so that a record stays one log event.
        sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")


def frames(error):
    entries = [entry for entry in traceback.extract_tb(error.__traceback__) if os.path.abspath(entry.filename) != HERE]
    return traceback.format_list(entries)


def error_value(error, request_id):
    if isinstance(error, FaultException):
        value = {"errorMessage": error.message, "errorType": error.error_type}
        trace = error.trace
    else:
        value = {"errorMessage": str(error), "errorType": type(error).__name__}
        trace = frames(error)
    if request_id:
        value["requestId"] = request_id
    value["stackTrace"] = trace
    return value


def log_error(value):
    lines = ["[ERROR] %s: %s" % (value["errorType"], value["errorMessage"])]
    if value["stackTrace"]:
        lines += ["Traceback (most recent call last):"] + [frame.rstrip("\n") for frame in value["stackTrace"]]
    sys.stdout.write("\r".join("\r".join(lines).split("\n")) + "\n")


def load_handler():
    text = os.environ["_HANDLER"]
    parts = text.rsplit(".", 1)
    if len(parts) != 2:
        raise FaultException(
            "Runtime.MalformedHandlerName",
            "Bad handler '%s': not enough values to unpack (expected 2, got %d)" % (text, len(parts)))
    module_name, function_name = parts
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise FaultException("Runtime.BuiltInModuleConflict",
                             "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FaultException("Runtime.ImportModuleError",
                             "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s\n' % (error.filename, error.lineno, (error.text or "").rstrip())]
        raise FaultException("Runtime.UserCodeSyntaxError",
                             "Syntax error in module '%s': %s" % (module_name, error), trace)
    handler = getattr(module, function_name, None)
    if handler is None:
        raise FaultException("Runtime.HandlerNotFound",
                             "Handler '%s' missing on module '%s'" % (function_name, module_name))
    return handler


def answer(api, handler, headers, body):
    request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
    RequestFilter.request_id = request_id
    trace = headers.get("Lambda-Runtime-Trace-Id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    try:
        result = handler(json.loads(body.decode("utf-8")), Context(headers))
        try:
            text = json.dumps(result, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise FaultException("Runtime.MarshalError", "Unable to marshal response: %s" % error)
    except Exception as error:
        value = error_value(error, request_id)
        log_error(value)
        api.post("/invocation/%s/error" % request_id, json.dumps(value), value["errorType"])
    else:
        api.post("/invocation/%s/response" % request_id, text)


def main():
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    line = LineHandler()
    line.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    line.formatter.converter = time.gmtime
    line.addFilter(RequestFilter())
    logging.getLogger().addHandler(line)
    try:
        handler = load_handler()
    except Exception as error:
        value = error_value(error, "")
        log_error(value)
        api.post("/init/error", json.dumps(value), value["errorType"])
        sys.exit(1)
    while True:
        headers, body = api.call("GET", "/invocation/next")
        answer(api, handler, headers, body)


main()
