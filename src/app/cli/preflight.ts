/**
 * `sluice preflight PIPELINE`: what a pipeline will be denied, before it runs, and what mends it.
 * Exit code: 0 nothing will be denied, 1 something will, 2 no such pipeline.
 */
import type { Command } from 'commander';
import type { ActionReport, Denied, PreflightReport } from '../preflight/preflight.ts';
import { ask, usageExit, withEndpoint } from './endpoint.ts';
import { type Paint, paintFor } from './paint.ts';
import { stepLines } from './why-drawing.ts';

type Options = Readonly<{ endpoint: string; json?: boolean; region?: string; account?: string }>;

export function addPreflightCommand(program: Command): void {
  withEndpoint(
    program
      .command('preflight <pipeline>')
      .description('before a pipeline runs, find every call that its actions will be denied, and what mends it')
      .option('--account <id>', 'the account of the pipeline')
      .option('--region <region>', 'its Region')
      .option('--json', 'for machines')
      .exitOverride(usageExit),
  ).action(async (pipeline: string, { endpoint, json, region, account }: Options) => {
    const query = new URLSearchParams({ pipeline });
    if (region !== undefined) query.set('region', region);
    if (account !== undefined) query.set('account', account);
    const report = await ask<PreflightReport>(endpoint, `preflight?${query}`);
    if (report === undefined) return;
    const paint = paintFor(process.stdout, process.env['NO_COLOR']);
    process.stdout.write(json === true ? `${JSON.stringify(report, null, 2)}\n` : drawnReport(report, paint));
    process.exitCode = report.clean ? 0 : 1;
  });
}

export function drawnReport(report: PreflightReport, paint: Paint): string {
  const { pipeline, account, region, actions } = report;
  const lines = [
    `${paint.strong(pipeline)} in ${account}, ${region}`,
    '',
    ...actions.flatMap((action) => actionLines(action, paint)),
    '',
    summary(report, paint),
    '',
  ];
  return lines.join('\n');
}

function actionLines({ stage, action, checked, denied, passedOver, fails, unknown }: ActionReport, paint: Paint) {
  const bad = denied.length + fails.length > 0;
  const count = `${checked} ${checked === 1 ? 'permission' : 'permissions'}`;
  return [
    `${bad ? paint.bad('✗') : paint.good('✓')} ${paint.strong(`${stage}/${action}`)}  ${paint.faint(count)}`,
    ...denied.flatMap((each) => deniedLines(each, paint)),
    ...fails.map((text) => `    ${paint.bad('✗')} ${text}`),
    ...passedOver.flatMap((each) => [
      `    ${paint.warn('!')} ${each.action} on ${each.resource} is denied, and the action goes on without (to ${each.purpose})`,
    ]),
    ...unknown.map((text) => paint.faint(`    ? ${text}`)),
  ];
}

function deniedLines({ principal, action, resource, purpose, viaService, mend }: Denied, paint: Paint): string[] {
  const via = viaService === undefined ? '' : `, via ${viaService}`;
  return [
    `    ${paint.bad('✗')} ${paint.strong(action)}${resource === '*' ? '' : ` on ${resource}`}`,
    `      by ${principal}${via}, to ${purpose}`,
    ...(mend?.steps ?? []).flatMap((step) => stepLines(step, paint).map((line) => `    ${line}`)),
    ...(mend?.beyond === undefined ? [] : [`      ${mend.beyond}`]),
  ];
}

function summary({ clean, checked, actions }: PreflightReport, paint: Paint): string {
  const gaps = actions.reduce((sum, { unknown }) => sum + unknown.length, 0);
  const untold =
    gaps === 0 ? '' : ` ${gaps} ${gaps === 1 ? 'thing' : 'things'} cannot be known before it runs (marked ?).`;
  if (clean) return `${paint.good('Clean')}: ${checked} permissions checked, none will be denied.${untold}`;
  const denials = actions.reduce((sum, { denied }) => sum + denied.length, 0);
  const failures = actions.reduce((sum, { fails }) => sum + fails.length, 0);
  const parts = [
    ...(denials > 0 ? [`${denials} of ${checked} permissions will be denied`] : []),
    ...(failures > 0 ? [`${failures} ${failures === 1 ? 'thing fails' : 'things fail'} otherwise`] : []),
  ];
  return `${paint.bad('Not yet')}: ${parts.join(', ')}.${untold}`;
}
