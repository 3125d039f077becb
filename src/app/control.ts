/**
 * `/_sluice/...`: what is Sluice's own and no AWS operation: health, the clock, reset.
 * Answered on loopback only, and never to a web page (a request with an `Origin` is refused).
 *
 *   GET  /_sluice/health            { status, store, clock, services, defaults }
 *   GET  /_sluice/clock             { mode, now }
 *   POST /_sluice/clock/advance     { by: "PT5M" | seconds }      manual clock only
 *   POST /_sluice/reset             ephemeral only
 *   GET  /_sluice/why               why a call was, or would be, allowed or denied (`control-questions.ts`)
 *   GET  /_sluice/preflight         what a pipeline will be denied
 *   GET  /_sluice/replay            a past execution, build, deployment or alarm decided again
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isoMillis, parseDurationMs } from '../common/index.ts';
import { formatClockMode } from './clocks.ts';
import { answerPreflight, answerReplay, answerWhy, type ControlAnswer } from './control-questions.ts';
import { isLoopback } from './loopback.ts';
import type { OpenHouse } from './open-house.ts';

const PREFIX = '/_sluice/';
const LARGEST_BODY_BYTES = 64 * 1024;
const LONGEST_ADVANCE_MS = 400 * 86_400_000;

export async function answerControl(
  open: OpenHouse,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = request.url ?? '/';
  if (!url.startsWith(PREFIX)) return false;
  const answer = (statusCode: number, body: unknown): true => {
    response.writeHead(statusCode, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
    return true;
  };
  if (!isLoopback(request) || request.headers.origin !== undefined)
    return answer(403, { message: 'The control endpoint answers on loopback only.' });
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const path = pathname.slice(PREFIX.length);
  const answered = async (answering: Promise<ControlAnswer>): Promise<true> => {
    const { statusCode, body } = await answering;
    return answer(statusCode, body);
  };
  switch (`${request.method} ${path}`) {
    case 'GET health':
      return answer(200, {
        status: 'ok',
        version: open.version,
        store: open.house.store.kind,
        ephemeral: open.ephemeral,
        stateDir: open.house.config.stateDir,
        clock: clockOf(open),
        services: [...open.services.keys()].sort(),
        defaults: { judge: open.house.config.judge ?? null, alarmFitness: open.house.config.alarmFitness ?? 'warn' },
      });
    case 'GET clock':
      return answer(200, clockOf(open));
    case 'POST clock/advance': {
      if (open.advance === undefined) {
        return answer(409, {
          message: `The clock is ${formatClockMode(open.clockMode)}; only a manual clock can be advanced (start with --clock manual).`,
        });
      }
      const by = await readBy(request);
      if (by === undefined)
        return answer(400, {
          message: 'Expected {"by": seconds or an ISO 8601 duration such as "PT5M"}, up to 400 days.',
        });
      await open.advance(by);
      return answer(200, clockOf(open));
    }
    case 'GET why':
      return answered(answerWhy(open, searchParams));
    case 'GET preflight':
      return answered(answerPreflight(open, searchParams));
    case 'GET replay':
      return answered(answerReplay(open, searchParams));
    case 'POST reset':
      if (open.reset === undefined)
        return answer(403, { message: 'Only a server started with --ephemeral can be reset.' });
      await open.reset();
      return answer(200, { status: 'reset' });
    default:
      return answer(404, { message: `There is nothing at ${request.method} ${url}.` });
  }
}

function clockOf(open: OpenHouse): { mode: string; now: string; epochMs: number } {
  const now = open.house.clock.now();
  return { mode: formatClockMode(open.clockMode), now: isoMillis(now), epochMs: now };
}

async function readBy(request: IncomingMessage): Promise<number | undefined> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > LARGEST_BODY_BYTES) return undefined;
  }
  try {
    const { by } = JSON.parse(text) as { by?: unknown };
    const ms = typeof by === 'number' || typeof by === 'string' ? parseDurationMs(String(by)) : undefined;
    return ms !== undefined && ms <= LONGEST_ADVANCE_MS ? ms : undefined;
  } catch {
    return undefined;
  }
}
