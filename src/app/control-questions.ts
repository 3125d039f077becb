/** The control paths that ask and change nothing: `why`, `preflight` and `replay`. */
import { AwsError, isAwsError, type RequestContext } from '../common/index.ts';
import type { OpenHouse } from './open-house.ts';
import { preflight } from './preflight/preflight.ts';
import { replayOf } from './replay/ask.ts';
import { why } from './why/ask.ts';

export type ControlAnswer = Readonly<{ statusCode: number; body: unknown }>;

/** `GET why?subject=...&account=&region=&context=key=value` */
export function answerWhy(open: OpenHouse, query: URLSearchParams): Promise<ControlAnswer> {
  return answered(() => {
    const subject = query.get('subject') ?? '';
    if (subject.trim() === '')
      throw new AwsError(
        'ValidationException',
        'Ask with ?subject=<request id, execution id, or principal action resource>.',
      );
    return why(open, {
      subject,
      ...given(query, 'account'),
      ...given(query, 'region'),
      context: contextOf(query.getAll('context')),
    });
  });
}

/** `GET preflight?pipeline=NAME&account=&region=&needs=true`; `needs`: with every permission that is needed. */
export function answerPreflight(open: OpenHouse, query: URLSearchParams): Promise<ControlAnswer> {
  return answered(() => {
    const pipeline = query.get('pipeline') ?? '';
    if (pipeline === '') throw new AwsError('ValidationException', 'Say which pipeline: ?pipeline=<name>.');
    const { defaultAccount, defaultRegion } = open.house.config;
    const scope = { account: query.get('account') ?? defaultAccount, region: query.get('region') ?? defaultRegion };
    return preflight(open, scope, pipeline, { needs: query.get('needs') === 'true' });
  });
}

/** `GET replay?subject=...&at=&set=key=value&account=&region=` */
export function answerReplay(open: OpenHouse, query: URLSearchParams): Promise<ControlAnswer> {
  return answered(() => {
    const subject = query.get('subject') ?? '';
    if (subject.trim() === '')
      throw new AwsError(
        'ValidationException',
        'Ask with ?subject=<id of an execution, a build or a deployment, or an alarm>.',
      );
    return replayOf(open, {
      subject,
      ...given(query, 'at'),
      ...given(query, 'account'),
      ...given(query, 'region'),
      set: query.getAll('set'),
    });
  });
}

function given<Name extends string>(query: URLSearchParams, name: Name): { [N in Name]?: string } {
  const value = query.get(name);
  return value === null || value === '' ? {} : ({ [name]: value } as { [N in Name]: string });
}

/** `key=value`; a key given more than once has several values. */
function contextOf(pairs: readonly string[]): RequestContext {
  const context: Record<string, string[]> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new AwsError('ValidationException', `The context ${pair} is not written as key=value.`);
    const key = pair.slice(0, at);
    context[key] = [...(context[key] ?? []), pair.slice(at + 1)];
  }
  return Object.fromEntries(
    Object.entries(context).map(([key, values]) => [key, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

async function answered(ask: () => Promise<unknown>): Promise<ControlAnswer> {
  try {
    return { statusCode: 200, body: await ask() };
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return { statusCode: error.statusCode ?? 400, body: { code: error.code, message: error.message } };
  }
}
