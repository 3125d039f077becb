/**
 * `npm run bench`: figures of this machine, today.   --json   --only decisions,start,loops,api,authorization,orchestration,invoke,rollback
 * `--against URL` runs the API part on another AWS endpoint too, turn about, and gives the ratio (default: moto_server, if found).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceProcess } from '../demo/sluice-process.ts';
import { benchApi } from './api.ts';
import { benchAuthorization } from './authorization.ts';
import { benchDecisions } from './decisions.ts';
import { benchInvoke } from './invoke.ts';
import { benchLoops } from './loops.ts';
import { machine, print, type Row } from './measure.ts';
import { benchOrchestration } from './orchestration.ts';
import { benchRollback } from './rollback.ts';
import { benchStart } from './start.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const only = flag('only')?.split(',');
const wanted = (name: string): boolean => only === undefined || only.includes(name);

const rows: Row[] = [];
const add = async (name: string, bench: () => Promise<readonly Row[]>): Promise<void> => {
  if (!wanted(name)) return;
  process.stderr.write(`bench: ${name} ...\n`);
  rows.push(...(await bench()));
};
await add('decisions', async () => benchDecisions());
await add('start', () => benchStart(3));
await add('loops', benchLoops);
await add('api', () => onServer((endpoint) => benchApi(endpoint, flag('against'))));
await add('authorization', () => onServer(benchAuthorization));
await add('orchestration', () => onServer((endpoint) => benchOrchestration(endpoint)));
await add('invoke', () => benchInvoke());
await add('rollback', () => onServer((endpoint) => benchRollback(endpoint)));

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
else process.stdout.write(`${machine()}\n\n${print(rows)}\n`);

/** A durable server of its own, on the real clock. */
async function onServer(bench: (endpoint: string, pid: number) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const sluice = new SluiceProcess({ stateDir: join(folder, 'state'), clock: 'real' });
  try {
    await sluice.start();
    return await bench(sluice.endpoint, sluice.pid ?? 0);
  } finally {
    await sluice.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
