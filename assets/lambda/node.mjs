// Runs a Node.js function: speaks the Lambda Runtime API and calls the handler as AWS's own client does.
// Plain JavaScript without dependencies: it is started once for each execution environment, and its start is
// part of every cold start. Source of behaviour: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom
// runtimes" and "Building Lambda functions with Node.js".
import { existsSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { createRequire, Module } from 'node:module';
import * as modules from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, inspect } from 'node:util';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const taskRoot = process.env.LAMBDA_TASK_ROOT;
const agent = new Agent({ keepAlive: true, maxSockets: 2 });
let requestId = 'undefined';

function call(method, path, body, headers = {}) {
  return new Promise((accept, reject) => {
    const request = httpRequest(
      { host, port, method, path: `/2018-06-01/runtime${path}`, agent, headers },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => accept({ headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function post(path, body, headers) {
  return call('POST', path, body, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
}

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function errorBody(error) {
  if (error instanceof Error || Object.prototype.toString.call(error) === '[object Error]') {
    return {
      errorType: error.name?.replaceAll('\x7f', '%7F') ?? 'Error',
      errorMessage: error.message?.replaceAll('\x7f', '%7F') ?? '',
      trace: String(error.stack ?? '')
        .replaceAll('\x7f', '%7F')
        .split('\n'),
    };
  }
  const text = error === undefined ? 'undefined' : error === null ? 'null' : (error.toString?.() ?? inspect(error));
  return { errorType: typeof error, errorMessage: text, trace: [] };
}

// Console: one line for each call, with time, request id and level. A line break inside becomes \r, which the log
// side turns back, so that one call stays one log event.
function log(level, message) {
  const line = `${new Date().toISOString()}\t${requestId}\t${level}\t${message.replaceAll('\n', '\r')}\n`;
  process.stdout.write(line);
}
for (const [name, level] of Object.entries({
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
})) {
  console[name] = (...args) => log(level, format(...args));
}

// Packages come from the deployment package alone. Node.js looks for `node_modules` in every folder above, and Sluice's
// state may lie in somebody's project: a function must not find that project's packages here and miss them in AWS.
function keepResolutionInside() {
  let stray = false;
  for (let folder = dirname(taskRoot); !stray; folder = dirname(folder)) {
    stray = existsSync(join(folder, 'node_modules'));
    if (folder === dirname(folder)) break;
  }
  if (!stray) return;
  const original = Module._nodeModulePaths;
  Module._nodeModulePaths = (from) => original(from).filter((path) => path.startsWith(taskRoot));
  const source = `
    const root = ${JSON.stringify(pathToFileURL(taskRoot).href)};
    export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      if (found.url.startsWith('file:') && context.parentURL?.startsWith(root) && !found.url.startsWith(root)
        && !/^(\\.|\\/|file:)/.test(specifier)) {
        const error = new Error("Cannot find package '" + specifier + "' imported from " + context.parentURL);
        error.code = 'ERR_MODULE_NOT_FOUND';
        throw error;
      }
      return found;
    }`;
  modules.register?.(`data:text/javascript,${encodeURIComponent(source)}`);
}

async function loadHandler() {
  const text = process.env._HANDLER;
  if (text.includes('..'))
    throw new RuntimeError(
      'Runtime.MalformedHandlerName',
      `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  const slash = text.lastIndexOf('/');
  const match = /^([^.]*)\.(.*)$/.exec(text.slice(slash + 1));
  if (match === null || match[1] === '') throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  const base = resolve(taskRoot, text.slice(0, slash + 1), match[1]);
  const loaded = await loadModule(base, text.slice(0, slash + 1) + match[1]);
  let handler = match[2].split('.').reduce((value, key) => value?.[key], loaded);
  if (handler === undefined) handler = match[2].split('.').reduce((value, key) => value?.[key], loaded?.default);
  if (handler === undefined || handler === null) {
    throw new RuntimeError('Runtime.HandlerNotFound', `${text} is undefined or not exported`);
  }
  if (typeof handler !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${text} is not a function`);
  return handler;
}

async function loadModule(base, shown) {
  try {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      const path = base + extension;
      if (!existsSync(path) || (extension === '' && !/\.[cm]?js$/.test(path))) continue;
      if (extension === '.cjs') return createRequire(path)(path);
      // `import` reads both kinds of module, and packages with "type": "module".
      return await import(pathToFileURL(path).href);
    }
    if (existsSync(base)) return createRequire(join(base, 'index.js'))(base);
    const error = new Error(`Cannot find module '${shown}'\nRequire stack:\n- /var/runtime/index.mjs`);
    error.code = 'MODULE_NOT_FOUND';
    throw error;
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', String(error));
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw new RuntimeError('Runtime.ImportModuleError', String(error));
    }
    throw error;
  }
}

async function failInit(error) {
  const body = errorBody(error);
  log('ERROR', `Uncaught Exception \t${JSON.stringify({ ...body, stack: body.trace })}`);
  await post('/init/error', JSON.stringify(body), { 'lambda-runtime-function-error-type': body.errorType }).catch(
    () => {},
  );
  process.exit(1);
}

let reportFatal = (error) => void failInit(error);
process.on('uncaughtException', (error) => reportFatal(error, 'Uncaught Exception', 129));
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError(
    'Runtime.UnhandledPromiseRejection',
    reason instanceof Error ? `${reason}` : String(reason),
  );
  error.reason = reason;
  reportFatal(error, 'Unhandled Promise Rejection', 128);
});

let whenIdle; // what to do when nothing is left on the event loop
process.on('beforeExit', () => {
  const task = whenIdle;
  whenIdle = undefined;
  task?.();
});

// Async handlers answer when their promise settles; callback handlers when they call back and, unless told otherwise,
// the event loop is empty; a handler that does neither answers null when the event loop is empty.
function runHandler(handler, event, context) {
  return new Promise((accept) => {
    let called = false;
    whenIdle = () => accept({ result: null });
    const finish = (error, result) => {
      if (called) return;
      called = true;
      const outcome = error === null || error === undefined ? { result } : { error };
      if (context.callbackWaitsForEmptyEventLoop) whenIdle = () => accept(outcome);
      else accept(outcome);
    };
    const callback = (error, result) => finish(error, result);
    context.done = callback;
    context.succeed = (result) => finish(null, result);
    context.fail = (error) => finish(error ?? 'handled');
    try {
      const returned = handler(event, context, callback);
      if (typeof returned?.then === 'function') {
        returned.then(
          (result) => accept({ result }),
          (error) => accept({ error, failed: true }),
        );
      }
    } catch (error) {
      accept({ error, failed: true });
    }
  });
}

function contextOf(headers) {
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  const identity = headers['lambda-runtime-cognito-identity'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: identity ? JSON.parse(identity) : undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

async function answer(handler, next) {
  requestId = next.headers['lambda-runtime-aws-request-id'];
  const trace = next.headers['lambda-runtime-trace-id'];
  if (trace === undefined) delete process.env._X_AMZN_TRACE_ID;
  else process.env._X_AMZN_TRACE_ID = trace;
  const id = requestId;
  reportFatal = (error, title, exitCode) => {
    const body = errorBody(error);
    log('ERROR', `${title} \t${JSON.stringify({ ...body, stack: body.trace })}`);
    void post(`/invocation/${id}/error`, JSON.stringify(body), { 'lambda-runtime-function-error-type': body.errorType })
      .catch(() => {})
      .finally(() => process.exit(exitCode));
  };
  const outcome = await runHandler(handler, JSON.parse(next.body), contextOf(next.headers));
  whenIdle = undefined;
  let { error, failed } = outcome;
  if (!('error' in outcome)) {
    try {
      const text = JSON.stringify(outcome.result === undefined ? null : outcome.result);
      return await post(`/invocation/${id}/response`, text ?? 'null');
    } catch (problem) {
      if (problem?.code !== undefined) throw problem; // the Runtime API is gone
      error = new RuntimeError('Runtime.MarshalError', `Unable to stringify response body: ${problem?.message}`);
      failed = true;
    }
  }
  const body = errorBody(error);
  log('ERROR', `Invoke Error \t${JSON.stringify({ ...body, stack: body.trace })}`);
  return post(`/invocation/${id}/error`, JSON.stringify(body), {
    'lambda-runtime-function-error-type': body.errorType,
  });
}

keepResolutionInside();
let handler;
try {
  handler = await loadHandler();
} catch (error) {
  await failInit(error);
}
for (;;) {
  const next = await call('GET', '/invocation/next');
  await answer(handler, next);
  reportFatal = (error, title, exitCode) => {
    log('ERROR', `${title} \t${JSON.stringify(errorBody(error))}`);
    process.exit(exitCode);
  };
}
