/**
 * `npm run torture`: real servers, killed by SIGKILL at random and at every named place, started again and checked.
 *
 *   --seed N            default: drawn, and printed
 *   --rounds K          two kills each; default 12, which passes every named place
 *   --store S           pglite, native or url; default: all of them
 *   --processes P       1 or 3 (several only on url); default: both
 *   --factor F          the servers' clock, times the machine's; default 60
 *   --recovery-ms M     longer from a death until work goes on is a failure; default 5000
 *   --patience-ms M     how long a server may take to reach its named place before it is killed anyway; default 5000
 *   --json              the reports as JSON
 */
import type { StoreName } from './fleet.ts';
import { type RunReport, torture } from './run.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const number = (name: string, otherwise: number): number => {
  const text = flag(name);
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: expected a number from 1`);
  return value;
};

const json = process.argv.includes('--json');
const seed = number('seed', 1 + Math.floor(Math.random() * 1_000_000));
const rounds = number('rounds', 12);
const stores = (flag('store')?.split(',') ?? ['native', 'pglite', 'url']) as StoreName[];
const sizes = flag('processes') === undefined ? [1, 3] : [number('processes', 1)];
const reports: RunReport[] = [];
for (const store of stores) {
  for (const processes of sizes) {
    if (processes > 1 && store !== 'url') continue;
    if (!json) process.stdout.write(`${store}, ${processes} process${processes > 1 ? 'es' : ''}, seed ${seed}\n`);
    const report = await torture({
      store,
      processes,
      seed,
      rounds,
      factor: number('factor', 60),
      recoveryMs: number('recovery-ms', 5_000),
      patienceMs: number('patience-ms', 5_000),
      lines: 2,
      kills: ['Place', 'Moment'],
      killFirstStart: true,
      ...(!json && { onRound: (text: string) => void process.stdout.write(`  ${text}\n`) }),
    });
    reports.push(report);
    if (!json) process.stdout.write(summaryOf(report));
  }
}
if (json) process.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
process.exit(reports.some(({ failure }) => failure !== undefined) ? 1 : 0);

function summaryOf(report: RunReport): string {
  const { failure, kills, recoveries } = report;
  const spread = (values: readonly number[]): string => {
    const sorted = values.toSorted((a, b) => a - b);
    return `median ${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} ms, worst ${Math.round(sorted.at(-1) ?? 0)} ms`;
  };
  const lines = [
    `  kills      ${Object.entries(kills)
      .map(([place, times]) => `${place} ${times}`)
      .join(', ')}`,
    `  answered   ${spread(recoveries.map(({ answeredMs }) => answeredMs))}`,
    `  resumed    ${spread(recoveries.map(({ resumedMs }) => resumedMs))}`,
    failure === undefined
      ? `  held       ${report.calls} calls, ${report.executions} executions, ${report.deployments} deployments, ${Math.round(report.tookMs / 1000)} s`
      : `  BROKEN     seed ${report.seed}, round ${failure.round}, after ${failure.after}; logs in ${failure.logs}\n${failure.broken
          .map((what) => `             ${what}`)
          .join('\n')}`,
  ];
  return `${lines.join('\n')}\n`;
}
